"""Everything that can happen to an installation, at random moments, for as long as one likes: `make chaos ARGS="--seconds 7200"`."""
