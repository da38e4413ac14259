"""How the miniature's latents look before they are decoded: what ComfyUI's preview makes red, green and blue of.

Printed by `python -m likeness.miniature.preview`, which fits it to 256 pictures of the drawn world.
"""

LATENT_SCALE = 0.18215  # of what the VAE gives to what the UNet sees
FACTORS = [
    [0.0081, 0.0208, 0.0167],
    [-0.0494, -0.003, 0.0288],
    [-0.0293, -0.0123, -0.0422],
    [-0.0128, 0.0024, -0.0185],
    [0.0478, 0.1003, 0.0921],
    [0.0197, 0.0054, 0.025],
    [0.004, 0.0166, 0.0022],
    [0.0379, -0.095, -0.0938],
    [-0.1553, -0.0441, -0.002],
    [0.0239, 0.0536, 0.0659],
    [-0.0024, 0.0065, -0.0251],
    [-0.04, -0.0417, -0.0183],
    [0.0427, 0.0355, 0.0575],
    [0.0544, 0.0232, -0.0534],
    [0.0227, 0.0961, 0.0561],
    [0.0249, -0.0561, 0.1077],
]
BIAS = [0.1995, 0.1225, 0.0769]
