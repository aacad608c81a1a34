"""The barest programs that do what the product does: what its figures are measured against."""
