// Outside of the demo the page brings no wallets of its own.
