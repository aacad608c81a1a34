"""What runs beside the product: scrape configuration, rules, images."""
