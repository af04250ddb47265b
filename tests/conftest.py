"""Give TensorFlow two logical CPU devices, so that strategies with two replicas run on any machine."""

from course_lib.backend import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
