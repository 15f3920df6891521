"""What metrics ask about, from folders, the Hub and visitors' files; never judges an answer."""
