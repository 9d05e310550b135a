"""The functions of the review questions, taken from the notebook's own cells."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers


@pytest.mark.parametrize("steps", [1, 100])
def test_the_network_asked_for_has_8874_parameters_at_any_length(review, steps):
    model = review.asked(steps=steps)
    shapes = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert model.count_params() == shapes == 8874
    assert [layer.count_params() for layer in model.layers] == [2016, 6208, 650]


def test_gated_layers_hold_three_and_four_sets():
    plain, lstm, gru, keras_gru = (layer for layer in (
        layers.SimpleRNN(8), layers.LSTM(8), layers.GRU(8, reset_after=False), layers.GRU(8)))
    for layer in (plain, lstm, gru, keras_gru):
        layer.build((None, 5, 3))
    assert lstm.count_params() == 4 * plain.count_params()
    assert gru.count_params() == 3 * plain.count_params()
    assert keras_gru.count_params() == 3 * (plain.count_params() + 8)


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


def test_the_product_of_jacobians_is_that_of_automatic_differentiation(review):
    recurrent = np.random.default_rng(0).normal(0, 0.3, (review.UNITS, review.UNITS))
    states = review.noise_states(recurrent)
    start = tf.constant(states[-4][None], tf.float32)  # three steps before the end
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 100, review.UNITS))[:, -3:]
    layer = layers.SimpleRNN(review.UNITS)
    layer.build(noise.shape)
    layer.set_weights([np.eye(review.UNITS), recurrent.T, np.zeros(review.UNITS)])
    with tf.GradientTape() as tape:
        tape.watch(start)
        last = layer(tf.constant(noise, tf.float32), initial_state=start)
    jacobian = tape.jacobian(last, start)[0, :, 0].numpy()
    expected = review.jacobian_norms(recurrent, states)[2]
    assert np.linalg.norm(jacobian, 2) == pytest.approx(expected, rel=1e-4)


def test_the_tasks_ask_for_the_sign_of_the_sum_and_the_first_symbol(review):
    numbers, positive = review.sign_task(np.random.default_rng(0), 7)
    np.testing.assert_array_equal(positive, numbers[..., 0].sum(-1) > 0)
    symbols, first = review.recall_task(np.random.default_rng(0), 7)
    np.testing.assert_array_equal(symbols.argmax(-1)[..., 0], first)
    assert first.max() == 3 and symbols.argmax(-1)[..., 1:].min() == 4


def test_a_clipped_update_is_shorter_and_the_recorded_norm_is_raw(review):
    model = review.sign_network(1e-3)
    model.optimizer.learning_rate = 1.0
    before = np.concatenate([w.ravel() for w in model.get_weights()])
    inputs, targets = review.sign_task(np.random.default_rng(0), 10)
    _, norm = review.make_updates(model, inputs[:1], targets[:1]).numpy()[0]
    step = np.concatenate([w.ravel() for w in model.get_weights()]) - before
    assert np.linalg.norm(step) == pytest.approx(1e-3, rel=1e-2) and norm > 1e-2


def test_the_search_prefers_solved_then_fast_and_never_a_diverged_rate(review):
    trials = [dict(rate=rate, last=last, updates=updates) for rate, last, updates in
              ((1, 0.04, 300), (2, 0.01, 900), (3, np.nan, 100), (4, 0.3, 900))]
    assert review.best_rate(trials, 0.05) == 1 and review.best_rate(trials, 0.0) == 2
