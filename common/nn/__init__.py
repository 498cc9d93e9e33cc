"""Small networks of a state and a time as functions of arrays: layers, and what wraps them."""
