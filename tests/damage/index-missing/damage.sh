rm imports/session_1.json
