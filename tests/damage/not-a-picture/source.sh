echo hello > notes.txt
