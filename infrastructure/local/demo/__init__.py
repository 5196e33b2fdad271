"""The demo: a hospital's morning of requisitions, played through the doors and the desk, and checked."""
