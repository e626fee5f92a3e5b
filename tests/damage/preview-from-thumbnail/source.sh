cp "$(dirname "$0")/undecodable.jpg" undecodable.jpg
