"""Train a model on what there is, a laptop, GPUs or several machines, watch it, and go on after a kill.

    with training.strategy().scope():
        model = lenet5()
        model.compile(optimizer="adam", loss=layers.MAPLoss(), metrics=["accuracy"])
    history = training.fit(model, data, epochs=12, directory="lenet5_run")

`fit` is `keras.Model.fit` with a line of progress and, given a directory, two files: `last.keras`, where the
run goes on, and `best.keras`. `keras.callbacks.BackupAndRestore` would not do, as measured in
tests/training/test_backup_and_restore.py. By default it deletes its files at the end, and half a file stops
it; both can be changed (`delete_checkpoint`, `double_checkpoint`). But it keeps neither the history nor what
other callbacks remember, dropout and a seeded pipeline begin anew, it goes on with another optimizer or on
other data without a word, and a kill between its two files, weights and epoch, trains an epoch twice.

`train` compiles a classifier and fits it in one call; `gradient_norms`,
`output_gradient_norms` and `branch_lengths` say how large the signals in a network are.
Behind this face stand `recipes` (how the papers trained), `evaluation` (errors as they print them) and
`canaries` (which say what goes wrong, and in which layer).

**Scale.** The batch of the pipeline is the global one: each of N replicas gets 1/N of it, wherever it runs.
The learning rate belongs to the global batch, so it stays as it is when replicas are added; who makes the
batch k times as large multiplies it by k, after a warm-up (Goyal et al. 2017, sections 2.1 and 2.2).
Losses and metrics are over the global batch and mean the same on any number of replicas. 1, 2 and 4 of them
train alike to the accuracy of the floating point, with two exceptions: BatchNormalization normalises each
replica's part by itself unless it is `synchronized`, and random layers draw other numbers for each part. (On
the JAX backend, whose replicas run one program, neither is one.)

**Several machines.** The same program on each, with TensorFlow's TF_CONFIG to name them all, trains on all of
them; the first writes the files, in a directory that all of them see. When a worker is lost, the others stop
with an error in about ten seconds; start all again, and they go on after the last whole epoch.
`python -m course_lib.training` is such a program, and starts several workers on one machine to try it.
"""

from course_lib.backend import keras
from course_lib.training.classifier import profile, train
from course_lib.training.fitting import evaluate, fit, is_chief
from course_lib.training.replicas import precision, strategy

__all__ = ["evaluate", "fit", "is_chief", "precision", "profile", "strategy", "train"]

if keras.backend.backend() == "tensorflow":
    from course_lib.training.gradients import branch_lengths, gradient_norms, output_gradient_norms

    __all__ += ["branch_lengths", "gradient_norms", "output_gradient_norms"]
