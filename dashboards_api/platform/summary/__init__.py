"""How many users, creators, brands, assets and licenses are active, new, and there in all."""
