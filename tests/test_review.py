"""The functions and lines of the review questions, taken from the notebook itself."""

import re

import hand_in
import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import NOTEBOOKS, ROOT
from keras import layers


@pytest.mark.parametrize("steps", [1, 100])
def test_the_network_asked_for_has_8874_parameters_at_any_length(review, steps):
    model = review.asked(steps)
    shapes = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert model.count_params() == shapes == 8874
    assert [layer.count_params() for layer in model.layers] == [2016, 6208, 650]


@pytest.mark.parametrize("layer, parameters", [
    (layers.LSTM, 32896), (lambda units, **options: layers.GRU(
        units, reset_after=False, **options), 24672), (layers.GRU, 24672 + 288)])
def test_gated_layers_have_the_parameters_told(layer, parameters):
    model = keras.Sequential([layers.Input((100, 30)), layer(32, return_sequences=True),
                              layer(64)])
    assert model.count_params() == parameters


@pytest.mark.parametrize("shape, stack, output", [
    ((6,), lambda: [layers.Dense(8, "tanh")], (3,)),
    ((6,), lambda: [layers.RepeatVector(4),
                    layers.SimpleRNN(8, return_sequences=True)], (4, 3)),
    ((4, 6), lambda: [layers.SimpleRNN(8)], (3,)),
    ((4, 6), lambda: [layers.SimpleRNN(8, return_sequences=True)], (4, 3)),
    ((3, 6), lambda: [layers.SimpleRNN(8), layers.RepeatVector(4),
                      layers.SimpleRNN(8, return_sequences=True)], (4, 3))])
def test_the_table_of_forms_tells_the_shapes(shape, stack, output):
    model = keras.Sequential([layers.Input(shape), *stack(), layers.Dense(3, "softmax")])
    assert model.output_shape[1:] == output


def test_the_decoder_in_the_text_is_fed_back_and_has_the_shapes_told():
    cells = hand_in.read(ROOT / NOTEBOOKS[2])
    text = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    (lines,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    space = dict(keras=keras, layers=layers)
    exec(lines, space)
    assert space["translator"].input_shape == [(None, None, 6), (None, None, 3)]
    written = space["translator"]([np.ones((2, 5, 6)), np.ones((2, 4, 3))]).numpy()
    other = space["translator"]([np.zeros((2, 5, 6)), np.ones((2, 4, 3))]).numpy()
    assert written.shape == (2, 4, 3) and np.abs(written - other).max() > 1e-3


def test_the_product_of_jacobians_is_that_of_automatic_differentiation(review):
    recurrent = np.random.default_rng(0).normal(0, 0.3, (review.UNITS, review.UNITS))
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 150, review.UNITS)).astype("float32")
    layer = layers.SimpleRNN(review.UNITS)
    layer.build(noise.shape)
    layer.set_weights([np.eye(review.UNITS), recurrent.T, np.zeros(review.UNITS)])
    start = layer(noise[:, :-3])  # the state three steps before the end
    with tf.GradientTape() as tape:
        tape.watch(start)
        last = layer(noise[:, -3:], initial_state=start)
    jacobian = tape.jacobian(last, start)[0, :, 0].numpy()
    expected = review.jacobian_norms(recurrent, "tanh")[2]
    assert np.linalg.norm(jacobian, 2) == pytest.approx(expected, rel=1e-4)
    power = np.linalg.matrix_power(recurrent, 3)
    assert review.jacobian_norms(recurrent, "no tanh")[2] == pytest.approx(
        np.linalg.norm(power, 2))


def test_the_tasks_ask_for_the_sign_of_the_sum_and_the_first_symbol(review):
    numbers, positive = review.sign_task(np.random.default_rng(0), 7)
    np.testing.assert_array_equal(positive, numbers[..., 0].sum(-1) > 0)
    symbols, first = review.recall_task(np.random.default_rng(0), 6)
    assert symbols.shape[2:] == (7, 8)
    np.testing.assert_array_equal(symbols.argmax(-1)[..., 0], first)
    assert first.max() == 3 and symbols.argmax(-1)[..., 1:].min() == 4


def test_a_clipped_update_is_shorter_and_the_recorded_norm_is_raw(review, monkeypatch):
    monkeypatch.setitem(review.CLIPPING, "norm at most 1", 1e-3)
    model = review.sign_network("norm at most 1")
    model.optimizer.learning_rate = 1.0
    before = np.concatenate([w.ravel() for w in model.get_weights()])
    inputs, targets = review.sign_task(np.random.default_rng(0), 10)
    _, norm = review.make_updates(model, inputs[:1], targets[:1]).numpy()[0]
    step = np.concatenate([w.ravel() for w in model.get_weights()]) - before
    assert np.linalg.norm(step) == pytest.approx(1e-3, rel=1e-2) and norm > 1e-2


def test_the_search_prefers_solved_then_fast_and_never_a_diverged_rate(review):
    trials = [dict(rate=rate, last=last, updates=updates) for rate, last, updates in
              ((1, 0.05, 300), (2, 0.05, 900), (3, np.nan, 100), (4, 0.3, 100))]
    assert review.best_rate(trials) == 1 and review.best_rate(trials[1:]) == 2
