"""The replicas of a model: on which devices they are, what each of them draws, and where they must agree."""

import contextlib
import functools
import os

from course_lib.backend import keras
from course_lib.checks import require

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from course_lib.training import workers

__all__ = [
    "Replicas",
    "build",
    "count",
    "distributed",
    "drawn",
    "make",
    "of",
    "precision",
    "require_one_step",
    "scope",
    "several_workers",
    "strategy",
    "unpeeking",
]

# Open notebooks share a GPU: TensorFlow takes memory as it needs it, not all of it at once.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

# Replica i draws from the seed s + i * APART. A seed is smaller, so that s is what is left of a division.
APART = 2**33 + 0x9E3779B1


def strategy(devices=None):
    """Return the strategy for these devices, the same one whenever it is asked for.

    - TF_CONFIG names several workers: `MultiWorkerMirroredStrategy`. It waits until all of them have come,
      and TensorFlow wants it first of all: ask for the strategy before you load data.
    - one GPU or more: `MirroredStrategy` over all of them.
    - none: TensorFlow's default strategy, which traces a network faster: ResNet-20 in three quarters of the
      time, measured on a CPU.
    - on the JAX backend: `keras.distribution.DataParallel` over all devices.

    Under a strategy of TensorFlow's, `compile(jit_compile="auto")` means no XLA; without one, Keras turns it
    on for a GPU. On a single device ask for it with `compile(jit_compile=True)`, or after `recipe.compile`
    with `model.jit_compile = True`, before the first step; on several devices TensorFlow fails then.

    Args:
        devices: names such as ("CPU:0", "CPU:1") to mirror over, instead of the above.

    Raises:
        ValueError: if TF_CONFIG is not as TensorFlow reads it.
        RuntimeError: if TensorFlow has computed something before it could join several workers.
    """
    return _strategy(tuple(devices or ()))


@functools.cache
def _strategy(devices):
    if keras.backend.backend() == "jax":
        names = [name.lower() for name in devices] or keras.distribution.list_devices()
        return keras.distribution.DataParallel(devices=names)
    tf.get_logger().setLevel("ERROR")  # names of devices, logged as INFO, differ between machines
    if devices:
        # With the default reduction, a second strategy in the same process crashes.
        return tf.distribute.MirroredStrategy(devices, cross_device_ops=tf.distribute.ReductionToOneDevice())
    if workers.expected() > 1:
        return workers.join()
    if tf.config.list_physical_devices("GPU"):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def precision():
    """Return the Keras dtype policy that trains fastest here, for `keras.config.set_dtype_policy`.

    "mixed_bfloat16" if every GPU has bfloat16 units (NVIDIA's compute capability 8.0 and later), "float32"
    otherwise: CPUs and older GPUs compute bfloat16 more slowly. `fit` sets no policy: the chapters' numbers
    are those of float32.
    """
    if keras.backend.backend() == "jax":
        import jax

        gpus = [device for device in jax.devices() if device.platform == "gpu"]
        capabilities = [float(getattr(gpu, "compute_capability", 0)) for gpu in gpus]
    else:
        gpus = tf.config.list_physical_devices("GPU")
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        capabilities = [detail.get("compute_capability", (0, 0))[0] for detail in details]
    return "mixed_bfloat16" if capabilities and min(capabilities) >= 8 else "float32"


def of(model):
    """Return the strategy of a model; None on JAX if it was built without one."""
    if keras.backend.backend() != "jax":
        return model.distribute_strategy
    if not model.variables:
        return None
    mesh = getattr(model.variables[0].value.sharding, "mesh", None)  # Keras's JAX models don't know theirs
    return mesh and strategy([f"{device.platform}:{device.id}" for device in mesh.devices.flat])


def count(model):
    """Return the number of replicas of a model, those on other machines included."""
    place = of(model)
    if keras.backend.backend() == "jax":
        return place.num_model_replicas if place else 1
    return place.num_replicas_in_sync


def several_workers(model):
    """Return whether other processes train the model, too: Keras's own `fit` and `evaluate` fail then.

    Raises:
        ValueError: if TF_CONFIG names other processes and the model knows nothing of them.
    """
    if keras.backend.backend() == "jax" or workers.expected() == 1:
        return False
    if not isinstance(of(model), tf.distribute.MultiWorkerMirroredStrategy):
        raise ValueError(
            "With TF_CONFIG set, a model must be built within `training.strategy().scope()`, or each worker "
            f"would train alone. Received: {model.name!r}, built outside"
        )
    return True


def distributed(model):
    """Return whether a tf.distribute strategy trains the model, if only on one device."""
    if keras.backend.backend() == "jax":
        return False
    with scope(model):
        return tf.distribute.has_strategy()


def require_one_step(model):
    """Raise ValueError if a model's replicas would not train as one.

    On TensorFlow, Keras lets each replica scale or clip its part of the gradient by itself. It accumulates
    gradients under no strategy at all, and averages weights on one device only. Of an optimizer that was made
    outside of the strategy, each replica moves the counter of steps.
    """
    if not distributed(model):
        return
    optimizer = model.optimizer
    steps = getattr(optimizer, "gradient_accumulation_steps", None)
    required = "A strategy needs an optimizer that takes a step a batch: Keras accumulates under none."
    require(not steps, required, f"gradient_accumulation_steps={steps!r}")
    if count(model) > 1:
        alone = "Several replicas need {}, as Keras lets each of them {} by itself{}"
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        advice = ": float32 or mixed_bfloat16."
        require(
            not scales, alone.format("a precision without loss scaling", "scale", advice), "mixed_float16"
        )
        for name in ("clipnorm", "clipvalue", "global_clipnorm"):
            value = getattr(optimizer, name, None)
            clips = alone.format("an optimizer without clipping", "clip its part of the gradient", ".")
            require(not value, clips, f"{name}={value!r}")
    is_inside = of(model).extended.variable_created_in_scope(optimizer.iterations.value)
    required = "A strategy needs an optimizer made within its scope, as each replica would count the steps."
    require(is_inside, required, f"{type(optimizer).__name__}, made outside")


def scope(model):
    """Return the context in which a model's variables are made, loaded and trained."""
    place = of(model)
    return place.scope() if place else contextlib.nullcontext()


def build(model, batch):
    """Make the variables of a model that has none yet, for batches like this one.

    Args:
        batch: arrays or tensors, or the `element_spec` of a pipeline.
    """
    if model.built:
        return
    x, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
    with scope(model):
        model(keras.tree.map_structure(_symbol, x))


def make(model, batch):
    """Make the variables that a model under a strategy lacks, those of loss and metrics included."""
    with scope(model):
        model._symbolic_build(data_batch=batch)


@contextlib.contextmanager
def unpeeking(model):
    """Keep Keras from a look at a batch, once all is made: the order of the pipeline would move on."""
    if distributed(model):
        model._maybe_symbolic_build = lambda **_: None
    try:
        yield
    finally:
        vars(model).pop("_maybe_symbolic_build", None)


def drawn(model):
    """Return the states of random generators (dropout's), which Keras counts as variables but never saves."""
    saved = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in saved]


class Replicas(keras.callbacks.Callback):
    """Gives each replica its own random numbers, and all of them the same moving averages.

    Left alone, the replicas of a TensorFlow strategy draw the same numbers, so that dropout drops the same
    units in each part of the batch, and each keeps the moving averages of its own part in BatchNormalization:
    validation then depends on who has which picture, and a checkpoint holds those of the first replica alone.

    A layer that draws once for the whole batch has an attribute `draws_per_batch`, which is True; its draws
    stay equal on all replicas.
    """

    def on_train_begin(self, logs=None):
        self.alone = keras.backend.backend() == "jax" or count(self.model) == 1
        if self.alone:
            return
        weights = self.model.non_trainable_weights
        self.states = [weight for weight in weights if weight.dtype in ("float32", "float64")]
        self.means = workers.means(of(self.model), self.states)
        layers = self.model._flatten_layers(include_self=False)
        shared = [layer for layer in layers if getattr(layer, "draws_per_batch", False)]
        shared = {id(variable) for layer in shared for variable in layer.variables}
        self.seeds = [seed for seed in drawn(self.model) if id(seed) not in shared]

    def on_epoch_begin(self, epoch, logs=None):
        if self.alone:
            return
        place = of(self.model)
        numbers = place.experimental_local_results(place.run(_number))
        for seed in self.seeds:
            for number, copy in zip(numbers, place.experimental_local_results(seed.value), strict=True):
                first, steps = copy.numpy().tolist()
                if number > 0:
                    copy.assign([first % APART + int(number) * APART, steps])
        self.averaged = False

    def on_test_begin(self, logs=None):
        self._average()

    def on_epoch_end(self, epoch, logs=None):
        self._average()

    def _average(self):
        if not self.alone and not self.averaged and self.states:
            for state, mean in zip(self.states, self.means(), strict=True):
                state.assign(mean)
            self.averaged = True


def _number():
    return tf.identity(tf.distribute.get_replica_context().replica_id_in_sync_group)


def _symbol(value):
    dtype = getattr(value.dtype, "name", value.dtype)
    return keras.KerasTensor(value.shape, dtype)
