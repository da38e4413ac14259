"""The science: pure torch, runs without ComfyUI.

Shape letters used in every docstring below this folder:
    B batch rows, N identities, R references of one identity, T tokens, L latent positions (h·w),
    C channels of a UNet block, D embedding width, H W pixels, h w latent grid.
"""
