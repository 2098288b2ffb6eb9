"""Noise that belongs to a place: the same for an image, a sample and a temperature however the work is cut up."""

from typing import NamedTuple

import tensorflow as tf

__all__ = ["PlacedNoise"]

PHILOX = 1
BLOCK_BITS = 24  # of the counter's high word; the rest numbers the moments
ROWS = 16


class PlacedNoise(NamedTuple):
    """A field of Philox noise over (moment, sample, image, feature), of which any part can be drawn by itself.

    Philox is a function of a key and a 128-bit counter. The key comes from the seed; the counter of a number is its place:
    `high = moment * 2^24 + sample // rows`, `low = (image * rows * features + (sample % rows) * features + feature) / lanes`
    where one counter gives `lanes` numbers (4 of float32, 2 of float64). So a block of `rows` samples of consecutive images
    is one contiguous stretch of one stream and costs what any drawing of noise costs; and how images, samples, chains or
    temperatures are split changes no bit of it. XLA orders Philox in another way: draw the noise outside of it.

    Args:
        key: uint64 [1].
        first: Place of the first image in the whole set.
        images: How many images, B.
        rows: Samples of a block. A part begins at a multiple of it.
        dtype: float32 or float64.

    `count`, how many samples are drawn, may be a number or a scalar tensor.

    Example:
        >>> whole = PlacedNoise.of([0, 7], images=10).normal(count=16, features=3)
        >>> part = PlacedNoise.of([0, 7], first=6, images=2).normal(count=16, features=3)
        >>> bool(tf.reduce_all(whole[:, 6:8] == part))
        True

    Reference: Salmon, Moraes, Dror, Shaw. Parallel random numbers: as easy as 1, 2, 3. 2011.
    """

    key: tf.Tensor
    first: tf.Tensor
    images: tf.Tensor
    rows: int
    dtype: tf.DType

    @classmethod
    def of(cls, seed, *, images, stream=0, first=0, rows=ROWS, dtype=tf.float32):
        """The field of a seed, int32 [2]. Different `stream`s of one seed are independent."""
        seed = tf.random.experimental.stateless_fold_in(tf.cast(seed, tf.int32), stream, alg="philox")
        key = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed).key
        return cls(key, tf.cast(first, tf.uint64), tf.cast(images, tf.int32), rows, tf.as_dtype(dtype))

    def normal(self, *, count, features, start=0, moment=0):
        """N(0, 1) of the samples `start` to `start + count`: [count, images, features]."""
        return self._draw(tf.raw_ops.StatelessRandomNormalV2, count, features, start, moment)

    def uniform(self, *, count, start=0, moment=0):
        """Uniform in [0, 1) of the samples `start` to `start + count`: [count, images]."""
        return self._draw(tf.raw_ops.StatelessRandomUniformV2, count, 1, start, moment)[..., 0]

    def _draw(self, law, count, features, start, moment):
        block = tf.cast(moment, tf.uint64) * 2**BLOCK_BITS + tf.cast(start // self.rows, tf.uint64)
        lanes = 16 // self.dtype.size
        low = self.first * (-(-self.rows * features // lanes))
        shape = tf.stack([self.images, self.rows, features])

        def one_block(i):
            counter = tf.stack([low, block + tf.cast(i, tf.uint64)])
            return law(shape=shape, key=self.key, counter=counter, alg=PHILOX, dtype=self.dtype)

        number = -(-count // self.rows)
        if isinstance(number, int):
            blocks = tf.stack([one_block(i) for i in range(number)])
        else:
            blocks = tf.map_fn(one_block, tf.range(number), fn_output_signature=self.dtype)
        rows = tf.transpose(blocks, [0, 2, 1, 3])  # [number, rows, images, features]
        return tf.reshape(rows, tf.stack([-1, self.images, features]))[:count]
