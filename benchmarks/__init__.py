"""Measurements that take time; every figure in a document names the command here that prints it."""
