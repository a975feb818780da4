"""From rules to a report: configuration, suppressions, baseline."""
