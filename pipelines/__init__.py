"""Charter: a published privacy charter, carried out every night and proven."""
