"""Digits and datasets of TFDS come whole, with names, source and licence, or are refused with what to do."""

import time

import numpy as np
import pytest

from course_lib.data import load

# isort: split
import tensorflow_datasets as tfds
from sklearn.datasets import load_digits

# Digits


def test_digits_are_split_into_1437_and_360_scans_with_36_of_each_digit_for_testing():
    data = load("digits")
    (x_train, y_train), (x_test, y_test) = data.arrays("train"), data.arrays("test")
    assert (data.train_count, data.test_count) == (len(y_train), len(y_test)) == (1437, 360)
    np.testing.assert_array_equal(np.bincount(y_test), [36] * 10)
    together = np.concatenate(
        [np.c_[x_train.reshape(1437, 64), y_train], np.c_[x_test.reshape(360, 64), y_test]]
    )
    bunch = load_digits()
    original = np.c_[np.round(bunch.data * 255 / 16) / 255, bunch.target]
    np.testing.assert_allclose(np.unique(together, axis=0), np.unique(original, axis=0), atol=1e-6)
    assert len(np.unique(together, axis=0)) == 1797  # no scan twice, so none on both sides


def test_digits_have_names_a_source_and_a_licence():
    data = load("digits")
    assert data.class_names == tuple("0123456789")
    assert data.image_shape == (8, 8, 1)
    assert "UCI" in data.source
    assert data.licence == "CC BY 4.0"


def test_the_first_images_are_a_balanced_subset():
    data = load("digits", train_count=200, test_count=50, batch_size=10)
    assert (data.train_count, data.test_count) == (200, 50)
    np.testing.assert_array_equal(np.bincount(data.arrays("train")[1]), [20] * 10)
    np.testing.assert_array_equal(np.bincount(data.arrays("test")[1]), [5] * 10)


# tensorflow-datasets


class TinyPhotos(tfds.core.GeneratorBasedBuilder):
    """Photos of three sizes and two classes, made here."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "label": tfds.features.ClassLabel(names=["cat", "dog"]),
            }
        )
        return tfds.core.DatasetInfo(
            builder=self,
            features=features,
            supervised_keys=("image", "label"),
            homepage="https://example.org/photos",
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(12), "validation": self._generate_examples(6)}

    def _generate_examples(self, count):
        for i in range(count):
            image = np.full((20 + i % 3, 30, 3), 10 * i, "uint8")
            yield i, {"image": image, "label": i % 2}


class TinyContest(TinyPhotos):
    """The same photos with a test split whose labels the authors keep."""

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(12),
            "test": self._without_labels(5),
            "validation": self._generate_examples(6),
        }

    def _without_labels(self, count):
        for i, example in self._generate_examples(count):
            yield i, {**example, "label": -1}


class TinyCaptions(tfds.core.GeneratorBasedBuilder):
    """A dataset that is not one of image classification."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict({"text": tfds.features.Text()})
        )

    def _split_generators(self, dl_manager):
        return {}

    def _generate_examples(self):
        yield from ()


@pytest.fixture
def tfds_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    return tmp_path


def prepare(builder, folder, capfd):
    tfds.disable_progress_bar()
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    builder(data_dir=folder).download_and_prepare(download_config=config)
    tfds.enable_progress_bar()
    capfd.readouterr()


@pytest.fixture
def tiny_photos(tfds_folder, capfd):
    prepare(TinyPhotos, tfds_folder, capfd)


@pytest.fixture
def tiny_contest(tfds_folder, capfd):
    prepare(TinyContest, tfds_folder, capfd)


@pytest.mark.usefixtures("tiny_photos")
def test_a_prepared_dataset_of_tfds_is_loaded_offline_and_silently(capfd):
    data = load("tiny_photos", image_size=16, batch_size=4)
    assert (data.train_count, data.test_count, data.image_shape) == (12, 6, (16, 16, 3))
    assert data.class_names == ("cat", "dog")
    assert (data.source, data.licence) == ("https://example.org/photos", "see source")
    x, y = data.arrays("test")
    found = sorted(zip(np.round(x[:, 8, 8, 0] * 255).astype(int).tolist(), y.tolist(), strict=True))
    assert found == [(10 * i, i % 2) for i in range(6)]
    np.testing.assert_allclose(
        x, np.broadcast_to(x[:, :1, :1], x.shape), atol=1e-6
    )  # flat, so no black border
    assert sum(len(x) for x, _ in data.train.as_numpy_iterator()) == 12
    assert data.test.element_spec[0].shape == (3, 16, 16, 3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("tiny_photos")
def test_tuning_which_takes_longer_than_a_short_pass_is_left_to_data_that_do_not_ship():
    loaded = load("digits"), load("tiny_photos", image_size=16, batch_size=4)
    assert [dataset.train.options().autotune.enabled for dataset in loaded] == [False, True]


@pytest.mark.usefixtures("tiny_photos")
def test_splits_of_tfds_can_be_chosen():
    data = load(
        "tiny_photos", image_size=8, batch_size=2, splits=("train[:50%]", "train[50%:]"), train_count=4
    )
    assert (data.train_count, data.test_count) == (4, 6)


@pytest.mark.usefixtures("tiny_contest")
def test_a_test_split_without_labels_is_passed_over_for_one_that_has_them(capfd):
    data = load("tiny_contest", image_size=8, batch_size=4)
    assert (data.train_count, data.test_count) == (12, 6)
    np.testing.assert_array_equal(np.bincount(data.arrays("test")[1]), [3, 3])
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("tiny_contest")
@pytest.mark.parametrize("splits", [("train", "test"), ["test[:3]", "validation"]])
def test_a_split_without_labels_is_refused(splits):
    with pytest.raises(ValueError, match=r"must have labels\. Received: split 'test.*', with -1 for a label"):
        load("tiny_contest", image_size=8, batch_size=2, splits=splits)


@pytest.mark.usefixtures("tiny_photos")
@pytest.mark.parametrize(
    "splits", ["train", (), ("train",), ("train", "validation", "train"), ("train", 5), 5]
)
def test_anything_but_two_splits_is_refused(splits):
    with pytest.raises(ValueError, match=r"`splits` must be two, \(train, test\).*Received: splits="):
        load("tiny_photos", image_size=8, splits=splits)


@pytest.mark.usefixtures("tiny_photos")
@pytest.mark.parametrize(
    "splits",
    [
        ("train", "tset"),
        ("train[:x]", "validation"),
        ("train[:0]", "validation"),
        ("train[5:2]", "validation"),
        ("train", "validation[:1%]"),  # of six pictures, none
        ("train", "all[:99]"),
    ],
)
def test_a_split_that_is_not_there_is_refused_with_those_that_are(splits):
    with pytest.raises(ValueError, match=r"must be made of 'train', 'validation', .*Received: splits="):
        load("tiny_photos", image_size=8, splits=splits)


@pytest.mark.usefixtures("tiny_photos")
def test_pictures_that_differ_in_size_need_an_image_size():
    with pytest.raises(ValueError, match="`image_size` must be given"):
        load("tiny_photos")


def test_a_dataset_that_is_not_prepared_is_refused_within_seconds_with_what_to_do(tfds_folder, capfd):
    start = time.thread_time()  # of computing: a busy machine takes longer by the clock
    with pytest.raises(FileNotFoundError) as caught:
        load("imagenette/160px-v2", image_size=32)
    assert time.thread_time() - start < 5
    message = str(caught.value)
    assert "download=True" in message
    assert f"tfds.builder('imagenette/160px-v2', data_dir='{tfds_folder}').download_and_prepare()" in message
    assert "TFDS_DATA_DIR" in message
    assert capfd.readouterr() == ("", "")
    assert not any(tfds_folder.iterdir())


@pytest.mark.usefixtures("tfds_folder")
@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("mnsit", "mnist"),
        ("Digits", "digits"),
        ("imagenette/160", "imagenette/160px-v2"),
        ("no such name", "cifar10"),
    ],
)
def test_an_unknown_name_is_refused_with_what_exists(name, near):
    with pytest.raises(ValueError, match="`name` must be 'digits', 'shapes' or") as caught:
        load(name)
    assert repr(near) in str(caught.value)
    assert repr(name) in str(caught.value)


@pytest.mark.usefixtures("tfds_folder")
def test_a_dataset_without_class_labels_is_refused():
    with pytest.raises(ValueError, match="one image with one class label"):
        load("tiny_captions", image_size=16)
