"""The networks: nn.Modules and nothing else."""
