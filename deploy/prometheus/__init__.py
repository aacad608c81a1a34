"""Scrape configuration and alert rules, and the command that tests them."""
