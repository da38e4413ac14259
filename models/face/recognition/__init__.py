"""Networks that tell people apart, besides insightface's."""
