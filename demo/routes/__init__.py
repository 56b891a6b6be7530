"""The routes of the server, one resource a file."""
