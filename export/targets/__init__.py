"""Where a bundle can go besides the demo: a Hugging Face Space, Triton, a static page. One module each."""
