echo '[]' > imports/session_1.json
