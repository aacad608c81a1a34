"""Small programs that show how to build on Yizhan; they use its HTTP interface and nothing else."""
