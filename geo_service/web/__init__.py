"""What every page shares: session, language, security headers, errors, templates."""
