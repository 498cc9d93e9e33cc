"""TODO: the paper in one line. Gradient descent is as slow as its flattest direction."""
