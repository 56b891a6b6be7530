"""Sets of pictures to train on that anyone can make again."""
