"""Pages for people: Jinja2, readable with JavaScript off, in French and English."""
