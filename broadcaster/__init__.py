"""From a numbered event to a POST for every connection that follows the match."""
