"""What a person does, as functions: menus, keys, scripts and tests call the same ones; each call is noted."""
