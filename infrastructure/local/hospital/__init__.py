"""A small hospital: its people, its policy, what its ERP holds, and a morning of requisitions."""
