"""Parts that many tests share: a world for each part of the product, and the programs that worlds start."""
