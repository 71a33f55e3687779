"""Those who ask for too much, and a person who works beside them."""
