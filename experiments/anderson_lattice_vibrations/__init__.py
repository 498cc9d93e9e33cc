"""Rise and fall of Anderson localization by lattice vibrations."""
