"""What docs/inputs.md says, tried: a module for each of its rooms, a case for each of its rows."""
