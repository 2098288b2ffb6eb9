"""Increasing functions of one number, applied feature by feature with parameters from a network."""

import tensorflow as tf

from vae_flows.blocks.configured import Configured

__all__ = ["Affine", "Element", "Gated", "Shift"]

CLOSED = -80.0  # raw gates below stay there: in single precision exp(80) is finite and sigmoid(-80) is not 0


class Element(Configured):
    """Abstract: a bijector of the real line, y = f(x; p), the same for every feature but for its parameters p.

    `Autoregressive` and `Coupling` take one, size their network by `initial` and give what it says. An element has no
    weights and no state: its constructor's arguments are all there is to save. One of your own:

        class Softplus(flows.Element):
            initial = (0.0, math.log(math.e - 1.0))  # first values of m and s: the identity

            def forward(self, x, parameters):
                scale = tf.nn.softplus(parameters[..., 1])
                return x * scale + parameters[..., 0], tf.math.log(scale)

            def inverse(self, y, parameters):
                return (y - parameters[..., 0]) / tf.nn.softplus(parameters[..., 1])

    Attributes:
        initial: Where the P parameters of a feature start, a tuple of P numbers.
    """

    initial = ()

    def forward(self, x, parameters):
        """x [..., D], parameters [..., D, P] -> y [..., D] and log dy/dx [..., D]."""
        raise NotImplementedError

    def inverse(self, y, parameters):
        """y [..., D], parameters [..., D, P] -> x [..., D]."""
        raise NotImplementedError


def check_element(element):
    """Refuses what is no element, such as the class in the place of an instance."""
    if not isinstance(element, Element):
        received = f"the class {element.__name__}" if isinstance(element, type) else repr(element)
        raise TypeError(f"`element` must be an `Element`, such as Affine(). Received: {received}.")


class Shift(Element):
    """Moves a feature; volume preserving.

    y = x + m, log dy/dx = 0; m starts at 0

    Example:
        >>> y, log_derivative = Shift().forward(tf.ones([3]), tf.ones([3, 1]))
        >>> y.numpy()
        array([2., 2., 2.], dtype=float32)

    Reference: Dinh et al. NICE: Non-linear Independent Components Estimation. 2014. arXiv:1410.8516
    """

    initial = (0.0,)

    def forward(self, x, parameters):
        return x + parameters[..., 0], tf.zeros_like(x)

    def inverse(self, y, parameters):
        return y - parameters[..., 0]


class Affine(Element):
    """Scales and moves a feature.

    y = x * exp(s) + m, log dy/dx = s, |s| < log_scale_bound; m and s start at 0

    Args:
        log_scale_bound: Bound on s, reached smoothly: s = bound * tanh(raw / bound); None for none.

    Raises:
        ValueError: for a bound that is not positive.

    Example:
        >>> y, log_derivative = Affine(log_scale_bound=None).forward(tf.ones([1]), tf.constant([[3.0, 0.0]]))
        >>> y.numpy()
        array([4.], dtype=float32)

    Reference: Dinh et al. Density Estimation Using Real NVP. 2016. arXiv:1605.08803
    Reference: Papamakarios et al. Masked Autoregressive Flow for Density Estimation. 2017. arXiv:1705.07057
    Differs from the second paper: the bound. A prior without it overflows where a young posterior strays from it, since s
        grows with x and several steps multiply.
    """

    initial = (0.0, 0.0)

    def __init__(self, log_scale_bound=2.0):
        if log_scale_bound is not None and not log_scale_bound > 0:
            raise ValueError(
                f"`log_scale_bound` must be positive, or None for none. Received: log_scale_bound={log_scale_bound}."
            )
        self.log_scale_bound = log_scale_bound

    def forward(self, x, parameters):
        shift, log_scale = self._split(parameters)
        return x * tf.exp(log_scale) + shift, log_scale

    def inverse(self, y, parameters):
        shift, log_scale = self._split(parameters)
        return (y - shift) * tf.exp(-log_scale)

    def _split(self, parameters):
        shift, log_scale = tf.unstack(parameters, axis=-1)
        bound = self.log_scale_bound
        return shift, log_scale if bound is None else bound * tf.tanh(log_scale / bound)


class Gated(Element):
    """Mixes a feature with a new value, by a gate: the numerically tame step of inverse autoregressive flows.

    y = g * x + (1 - g) * m, g = sigmoid(max(s, -80)), log dy/dx = log g; m starts at 0

    Args:
        bias: Where s starts: sigmoid(2) = 0.88 keeps the step near the identity.

    Example:
        >>> y, log_derivative = Gated().forward(tf.ones([1]), tf.constant([[5.0, 0.0]]))
        >>> y.numpy()
        array([3.], dtype=float32)

    Reference: Kingma et al. Improved Variational Inference with Inverse Autoregressive Flow. 2016. arXiv:1606.04934
    """

    def __init__(self, bias=2.0):
        self.bias = bias
        self.initial = (0.0, bias)

    def forward(self, x, parameters):
        shift, gate = self._split(parameters)
        g = tf.sigmoid(gate)
        return g * x + (1.0 - g) * shift, tf.math.log_sigmoid(gate)

    def inverse(self, y, parameters):
        shift, gate = self._split(parameters)
        return y + (y - shift) * tf.exp(-gate)

    def _split(self, parameters):
        shift, gate = tf.unstack(parameters, axis=-1)
        return shift, tf.maximum(gate, CLOSED)
