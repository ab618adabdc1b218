"""What a user agent and a referrer say: device, browser, bot, kind of site. Pure functions."""
