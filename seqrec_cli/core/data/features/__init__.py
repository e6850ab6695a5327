"""Features of users and items, and how they are encoded."""
