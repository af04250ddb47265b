import numpy as np

from course_lib.layers import NearestAccuracy

DISTANCES = np.array([[0.1, 5, 9], [5, 0.1, 9], [5, 9, 0.1], [0.1, 5, 9]])


def test_the_smallest_distance_is_the_answer():
    metric = NearestAccuracy()
    metric.update_state(np.array([0, 1, 2, 2]), DISTANCES)
    assert float(metric.result()) == 0.75


def test_labels_may_be_a_column():
    metric = NearestAccuracy()
    metric.update_state(np.array([[0], [1], [2], [2]]), DISTANCES)
    assert float(metric.result()) == 0.75


def test_it_is_called_accuracy_so_that_histories_of_all_networks_have_the_same_keys():
    assert NearestAccuracy().name == "accuracy"
