"""The density of the hierarchy, against evaluations that share no code with the walk."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from vae_flows.densities import FixedScaleGaussian, LogisticMixture
from vae_flows.nvae_tf.prior_draw import PriorDraw

SEED = tf.constant([3, 4])


def clamp(values):
    return 5.0 * np.tanh(values / 5.0)


def normal_by_hand(raw):
    loc, log_scale = np.split(raw, 2, -1)
    return scipy.stats.norm(clamp(loc), np.exp(clamp(log_scale)) + 0.01)


def terms_by_hand(nvae, x, z):
    """log q, log p of each group and log p(x | z), from the layers' outputs and scipy's Gaussians."""
    down, log_q, log_p = nvae.top_down, [], []
    features = nvae.bottom_up(tf.pad(x, [(0, 0), (1, 1), (0, 0), (0, 0)]))  # 6 x 8 -> 8 x 8
    state = tf.repeat(tf.convert_to_tensor(down.start)[None], len(x), 0)
    for group, feature, part in zip(down.latents, features, down.split(z), strict=True):
        for cell in group.cells_before:
            state = cell(state)
        if group.first:
            raw, seen = 0.0, feature
            prior = scipy.stats.norm(0.0, 1.0)
        else:
            raw = group.prior_head(tf.nn.elu(state)).numpy()
            seen = feature + group.state_map(state)
            prior = normal_by_hand(raw)
        posterior = normal_by_hand(raw + group.posterior_head(seen).numpy())
        log_q.append(posterior.logpdf(part).sum((1, 2, 3)))
        log_p.append(prior.logpdf(part).sum((1, 2, 3)))
        state = group.entrance(tf.concat([state, part], -1))
    for cell in down.post_process:
        state = cell(state)
    probs = tf.sigmoid(down.head(tf.nn.elu(state))[:, 1:7]).numpy().astype(np.float64)
    log_likelihood = np.log(np.where(x == 1.0, probs, 1.0 - probs)).sum((1, 2, 3))
    return np.stack(log_q, -1), np.stack(log_p, -1), log_likelihood


def test_terms_equal_an_independent_evaluation_at_the_sampled_latents(nvae, images):
    inference = nvae.infer(images)
    noise = tf.random.stateless_normal([4, nvae.noise_features], SEED)
    z, terms = inference.latent(noise), inference.terms(noise)
    log_q, log_p, log_likelihood = terms_by_hand(nvae, images, z)
    np.testing.assert_allclose(terms.kl, log_q - log_p, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(terms.log_likelihood, log_likelihood, rtol=1e-5)
    np.testing.assert_allclose(terms.elbo, log_likelihood + (log_p - log_q).sum(-1), rtol=1e-4)
    np.testing.assert_allclose(inference.log_prob(z), log_q.sum(-1), rtol=1e-4)
    np.testing.assert_allclose(inference.log_joint(z), log_p.sum(-1) + log_likelihood, rtol=1e-4)
    np.testing.assert_allclose(inference.noise(tf.identity(z)), noise, atol=1e-4)


def test_the_prior_gives_its_samples_the_density_that_they_were_drawn_with(nvae, images):
    prior = nvae.infer(images, start="prior")
    noise = tf.random.stateless_normal([4, nvae.noise_features], SEED)
    z = prior.latent(noise)
    np.testing.assert_allclose(prior.log_prob(z), terms_by_hand(nvae, images, z)[1].sum(-1), rtol=1e-5)
    np.testing.assert_array_equal(prior.terms(noise).kl, 0.0)
    draw = PriorDraw(nvae.top_down, noise=noise)
    nvae.top_down.descend(draw, images=4)
    np.testing.assert_allclose(nvae.top_down.joined(draw.latents), z, atol=1e-6)


def test_the_closed_form_is_the_mean_of_the_sampled_terms(nvae, images):
    """Of the first group: its KL depends on no other's noise."""
    inference = nvae.infer(images)
    noise = tf.random.stateless_normal([4000, 4, nvae.noise_features], SEED)
    sampled = inference.terms(noise).kl[..., 0].numpy()
    closed = inference.expected_terms(noise[:2]).kl[..., 0].numpy()
    np.testing.assert_array_equal(closed[0], closed[1])
    error = sampled.std(0) / np.sqrt(len(sampled))
    assert np.all(np.abs(sampled.mean(0) - closed[0]) < 5 * error)


def test_samples_in_front_of_the_batch_belong_to_their_images(flow_nvae, images):
    noise = tf.random.stateless_normal([3, 4, flow_nvae.noise_features], SEED)
    together = flow_nvae.infer(images).terms(noise)
    for image in range(4):
        alone = flow_nvae.infer(images[image : image + 1]).terms(noise[:, image : image + 1])
        np.testing.assert_allclose(together.kl[:, image], alone.kl[:, 0], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(together.log_likelihood[:, image], alone.log_likelihood[:, 0], rtol=1e-4)


def test_the_temperature_scales_every_group(nvae):
    noise = tf.random.stateless_normal([4, nvae.noise_features], SEED)
    latents = {}
    for temperature in (0.0, 0.5):
        draw = PriorDraw(nvae.top_down, noise=noise, temperature=temperature)
        nvae.top_down.descend(draw, images=4)
        latents[temperature] = draw.latents
    np.testing.assert_allclose(latents[0.5][0], 0.5 * nvae.top_down.split(noise)[0])
    for group in latents[0.0]:
        assert np.ptp(group.numpy(), 0).max() < 1e-6
    for group in latents[0.5]:
        assert np.ptp(group.numpy(), 0).max() > 0.01


def test_kept_groups_stay_and_the_rest_is_drawn_anew(nvae, images):
    code = nvae.encode(images)
    whole = nvae.resample(code, keep=3, seed=1)
    np.testing.assert_allclose(whole, nvae.decode(code), atol=1e-6)
    np.testing.assert_allclose(nvae.resample(code, keep=0, seed=1), nvae.sample(4, 1), atol=1e-6)
    some = [nvae.resample(code, keep=2, seed=seed) for seed in (1, 2)]
    assert np.abs(some[0] - some[1]).max() > 1e-6


def test_group_sizes_and_padding(build):
    model = build(groups=(2, 1, 1), latent=3, blocks=0)
    assert model.group_features == (2 * 2 * 3, 2 * 2 * 3, 4 * 4 * 3, 8 * 8 * 3)  # 6 x 8 -> 8 x 8
    assert model.latent_features == sum(model.group_features)
    assert build(blocks=3, groups=(1,)).group_features == (2,)
    with pytest.raises(ValueError, match="`groups` must hold integers of at least 1"):
        build(groups=(0, 1))
    with pytest.raises(ValueError, match="prior, posterior, base. Received: start='above'"):
        model.proposal(tf.zeros([1, 6, 8, 1]), start="above")


@pytest.mark.parametrize("law", [LogisticMixture((4, 4, 3), components=2), FixedScaleGaussian((4, 4, 3))])
def test_colour_images_of_other_laws(build, law):
    model = build(law, groups=(1, 1), blocks=0)
    x = tf.round(255 * tf.random.stateless_uniform([2, 4, 4, 3], SEED)) / 255
    assert np.all(np.isfinite(model.log_likelihood(x, 3, SEED)))
    assert model.simulate(2, SEED)[0].shape == model.sample(2, SEED).shape == (2, 4, 4, 3)


def test_odd_channels_are_refused_where_maps_halve(build):
    with pytest.raises(ValueError, match="`channels` must be even.*Received: channels=3"):
        build(channels=3)
