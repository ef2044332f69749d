"""Who is shown which credentials: challenges, tokens, and where logins are kept."""
