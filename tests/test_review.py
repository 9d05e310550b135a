"""The small functions of exercise 3, taken from the notebook's own cells."""

import keras
import numpy as np
import pytest
from keras import layers


def test_the_network_has_8874_parameters_three_ways(review):
    formula = (review.simple_rnn_parameters(30, 32) + review.simple_rnn_parameters(32, 64)
               + review.dense_parameters(64, 10))
    model = keras.Sequential([
        keras.Input((100, 30)), layers.SimpleRNN(32, return_sequences=True),
        layers.SimpleRNN(64), layers.Dense(10, activation="softmax")])
    shapes = sum(int(np.prod(weight.shape)) for weight in model.weights)
    assert formula == model.count_params() == shapes == 8874
    assert review.network().count_params() == review.network(steps=7).count_params() == 8874


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layer, count", [
    (layers.SimpleRNN, "simple_rnn_parameters"), (layers.Dense, "dense_parameters"),
    (layers.LSTM, "lstm_parameters")])
def test_the_formulas_agree_with_keras(review, layer, count, bias):
    built = layer(7, use_bias=bias)
    built.build((None, 3) if layer is layers.Dense else (None, 5, 3))
    assert getattr(review, count)(3, 7, bias) == built.count_params()


@pytest.mark.parametrize("inputs, units", [(-1, 3), (3, 0), (3, -2), (2.5, 3), ("three", 3)])
def test_impossible_sizes_are_refused(review, inputs, units):
    for count in (review.simple_rnn_parameters, review.dense_parameters,
                  review.lstm_parameters):
        with pytest.raises(ValueError):
            count(inputs, units)


def test_an_unknown_form_is_refused_with_those_there_are(review):
    with pytest.raises(ValueError, match="one-to-many"):
        review.form_of("three-to-two")


@pytest.mark.parametrize("form, shape", [
    ("one_to_one", (None, 3)), ("many_to_one", (None, 3))])
def test_the_forms_have_the_shapes_of_their_diagrams(review, form, shape):
    assert getattr(review, form)().output_shape == shape


def test_aligned_keeps_the_length_and_the_decoder_has_its_own(review):
    aligned, decoder = review.aligned(), review.encoder_decoder()
    assert aligned.output_shape[1] == aligned.input_shape[1]
    assert decoder.output_shape[1] != decoder.input_shape[1]
    assert len(review.one_to_many().output_shape) == 3


def test_a_gradient_carried_back_is_that_of_a_finite_difference(review):
    rng = np.random.default_rng(0)
    inputs, units = rng.normal(size=(1, 6, 3)), 4
    w_x, w_h = rng.normal(size=(3, units)), review.random_orthogonal(units, rng)
    np.testing.assert_allclose(w_h @ w_h.T, np.eye(units), atol=1e-12)
    states, direction = review.hidden_states(inputs, w_x, w_h), rng.normal(size=(1, units))

    def last(state):
        for x in inputs[0, 4:]:
            state = np.tanh(x @ w_x + state @ w_h)
        return float(state @ direction[0])

    steps = 1e-6 * np.eye(units)
    slope = [(last(states[3, 0] + step) - last(states[3, 0] - step)) / 2e-6 for step in steps]
    carried = review.carry_back(direction, 1 - states ** 2, w_h)
    assert carried[1, 0] == pytest.approx(np.linalg.norm(slope), rel=1e-5)
