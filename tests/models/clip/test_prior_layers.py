"""The prior's layers against sums that are written out."""

import math

import torch
from likeness.models.clip.prior_layers import Block, FeedForward, SelfAttention, TimeToken

WIDTH, HEAD = 12, 4


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_a_timestep_is_cosines_then_sines():
    torch.manual_seed(0)
    token = TimeToken(WIDTH)
    for linear in (token.linear_1, token.linear_2):
        torch.nn.init.eye_(linear.weight)
        torch.nn.init.zeros_(linear.bias)
    [got] = token(torch.tensor([417])).tolist()
    periods = [10_000 ** (-i / 6) for i in range(6)]
    waves = [math.cos(417 * f) for f in periods] + [math.sin(417 * f) for f in periods]
    torch.testing.assert_close(got, [wave / (1 + math.exp(-wave)) for wave in waves], atol=1e-4, rtol=0)


@torch.no_grad()
def test_attention_head_by_head():
    torch.manual_seed(1)
    attention, tokens, bias = SelfAttention(WIDTH, HEAD), normal(2, 5, WIDTH), normal(2, 1, 5, 5)
    q, k, v = attention.to_q(tokens), attention.to_k(tokens), attention.to_v(tokens)
    heads = []
    for head in range(WIDTH // HEAD):
        own = slice(head * HEAD, (head + 1) * HEAD)
        scores = q[..., own] @ k[..., own].mT / math.sqrt(HEAD) + bias[:, 0]
        heads.append(scores.softmax(-1) @ v[..., own])
    torch.testing.assert_close(attention(tokens, bias), attention.to_out(torch.cat(heads, -1)))


@torch.no_grad()
def test_the_feed_forward_has_the_exact_gelu():
    torch.manual_seed(2)
    feed, tokens = FeedForward(WIDTH), normal(1, 3, WIDTH)
    hidden = feed.net[0].proj(tokens)
    exact = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    assert hidden.shape[-1] == 4 * WIDTH
    torch.testing.assert_close(feed(tokens), feed.net[2](exact))


@torch.no_grad()
def test_a_block_adds_to_what_it_reads():
    torch.manual_seed(3)
    block, tokens = Block(WIDTH, HEAD), normal(1, 3, WIDTH)
    torch.nn.init.zeros_(block.attn1.to_out[0].weight)
    torch.nn.init.zeros_(block.attn1.to_out[0].bias)
    torch.testing.assert_close(block(tokens, None), tokens + block.ff(block.norm3(tokens)))
