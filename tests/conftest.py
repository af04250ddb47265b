"""Give TensorFlow four logical CPU devices, so that strategies with replicas run on any machine."""

from course_lib.backend import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
else:  # these use TensorFlow's tapes and strategies; the others run on every backend
    collect_ignore = [
        "architectures/test_every_architecture.py",
        "layers/test_conv2d.py",
        "layers/test_fractal_join.py",
        "layers/test_local_response_normalization.py",
        "layers/test_stochastic_depth_layer.py",
    ]
