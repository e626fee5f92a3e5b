BEGIN TRANSACTION;
CREATE TABLE account_setup (
	id INTEGER NOT NULL, 
	key_hash BLOB NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_account_setup PRIMARY KEY (id)
);
CREATE TABLE accounts (
	id INTEGER NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	password TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_login_at DATETIME, 
	CONSTRAINT pk_accounts PRIMARY KEY (id), 
	CONSTRAINT uq_accounts_name UNIQUE (name)
);
CREATE TABLE api_tokens (
	token_id VARCHAR(36) NOT NULL, 
	account_id INTEGER NOT NULL, 
	label TEXT NOT NULL, 
	scope VARCHAR(20) NOT NULL, 
	key_hash BLOB NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	last_used_at DATETIME, 
	CONSTRAINT pk_api_tokens PRIMARY KEY (token_id), 
	CONSTRAINT fk_api_tokens_account_id FOREIGN KEY(account_id) REFERENCES accounts (id), 
	CONSTRAINT uq_api_tokens_key_hash UNIQUE (key_hash)
);
CREATE TABLE audit_events (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	action VARCHAR(40) NOT NULL, 
	by_kind VARCHAR(20) NOT NULL, 
	by_name TEXT NOT NULL, 
	address TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	facts TEXT NOT NULL, 
	CONSTRAINT pk_audit_events PRIMARY KEY (id)
);
INSERT INTO "audit_events" VALUES(1,'2024-11-01 00:00:00.000000','login','account','ada','127.0.0.1','ada','{}');
CREATE TABLE authors (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	email TEXT NOT NULL, 
	is_self BOOLEAN NOT NULL, author_key VARCHAR(36) DEFAULT '' NOT NULL, known_as TEXT DEFAULT '' NOT NULL, bio TEXT DEFAULT '' NOT NULL, is_deleted BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_authors PRIMARY KEY (id), 
	CONSTRAINT uq_authors_name UNIQUE (name, email)
);
INSERT INTO "authors" VALUES(1,'Photographer','',1,'d2c7776e-a63f-50dd-80b1-c14d3108d710','Photographer','',0);
INSERT INTO "authors" VALUES(2,'Ada King','ada@example.org',0,'22d83e8a-3ab1-5617-ae53-64cca05a92d9','Ada Lovelace','Wrote the first program.',0);
CREATE TABLE catalog_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT catalog_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "catalog_version" VALUES('0009');
CREATE TABLE companion_files (
	id INTEGER NOT NULL, 
	image_file_id INTEGER NOT NULL, 
	file_storage_id INTEGER NOT NULL, 
	import_session_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	relative_path TEXT NOT NULL, 
	relative_path_bytes BLOB, 
	file_size BIGINT NOT NULL, 
	sha256 BLOB NOT NULL, 
	modified_ns BIGINT NOT NULL, 
	kind TEXT NOT NULL, damage TEXT, 
	CONSTRAINT pk_companion_files PRIMARY KEY (id), 
	CONSTRAINT uq_companion_files_import_session_id UNIQUE (import_session_id, file_storage_id, image_file_id, number), 
	CONSTRAINT fk_companion_files_image_file_id FOREIGN KEY(image_file_id) REFERENCES image_files (id), 
	CONSTRAINT fk_companion_files_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id), 
	CONSTRAINT fk_companion_files_import_session_id FOREIGN KEY(import_session_id) REFERENCES import_sessions (id)
);
INSERT INTO "companion_files" VALUES(1,1,1,42,0,'photos/2024/a.xmp',NULL,10,X'C69F2EABF5863D70A8DCA761B6F10AD4A037E4BBBADF7DD56476F2576EB61DED',1720000000123456789,'sidecar',NULL);
CREATE TABLE deleted_files (
	import_session_id INTEGER NOT NULL, 
	file_storage_id INTEGER NOT NULL, 
	hothash BLOB NOT NULL, 
	sha256 BLOB NOT NULL, 
	tombstone TEXT NOT NULL, 
	CONSTRAINT pk_deleted_files PRIMARY KEY (import_session_id, file_storage_id, hothash), 
	CONSTRAINT fk_deleted_files_import_session_id FOREIGN KEY(import_session_id) REFERENCES import_sessions (id), 
	CONSTRAINT fk_deleted_files_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id)
);
INSERT INTO "deleted_files" VALUES(42,1,X'283BB9DEEF02E6843ABFB538EFA1ECA70801BD8A701C3F98191E123496339247',X'783C374C9F874EA2D13F917F4A089AF9EDFB05B1B0850C41E7052EFB3C25387C','{"hothash":"283bb9deef02e6843abfb538efa1eca70801bd8a701c3f98191e123496339247","sha256":"783c374c9f874ea2d13f917f4a089af9edfb05b1b0850c41e7052efb3c25387c","original_filename":"gone.jpg","photo_uuid":"d2b29dc9-63e3-580c-8acb-df62d72fc533","session_uuid":"19f46f94-4d69-5755-8e4d-f2c65fb5ca64","deleted_at":"2025-01-02T03:04:05Z","by":"user","mode":"trash","reason":"blurred"}');
CREATE TABLE file_locations (
	id INTEGER NOT NULL, 
	image_file_id INTEGER NOT NULL, 
	file_storage_id INTEGER NOT NULL, 
	import_session_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	relative_path TEXT NOT NULL, 
	relative_path_bytes BLOB, 
	file_size BIGINT NOT NULL, 
	sha256 BLOB NOT NULL, 
	modified_ns BIGINT NOT NULL, 
	imported_at DATETIME NOT NULL, 
	status VARCHAR(10) NOT NULL, 
	last_seen_at DATETIME, 
	entry TEXT, damage TEXT, 
	CONSTRAINT pk_file_locations PRIMARY KEY (id), 
	CONSTRAINT uq_file_locations_import_session_id UNIQUE (import_session_id, file_storage_id, image_file_id, number), 
	CONSTRAINT fk_file_locations_image_file_id FOREIGN KEY(image_file_id) REFERENCES image_files (id), 
	CONSTRAINT fk_file_locations_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id), 
	CONSTRAINT fk_file_locations_import_session_id FOREIGN KEY(import_session_id) REFERENCES import_sessions (id)
);
INSERT INTO "file_locations" VALUES(1,1,1,42,0,'photos/2024/a.jpg',NULL,1000,X'AC555D2CB307C91D83F7FA456FD32DFE42721E3221F405C7813B53BD9A220192',1720000000123456789,'2024-10-18 14:30:52.000000','present',NULL,NULL,NULL);
INSERT INTO "file_locations" VALUES(2,1,1,42,1,'photos/again/a.jpg',NULL,1000,X'BDF8063EA3BEAD1C1C1FF06D0B90B14112CD5C22377A9342C9E392E3CF544EE9',1720000000123456789,'2024-10-18 14:30:52.000000','present',NULL,NULL,NULL);
INSERT INTO "file_locations" VALUES(3,1,1,42,2,'photos/b.jpg',NULL,1000,X'BDF8063EA3BEAD1C1C1FF06D0B90B14112CD5C22377A9342C9E392E3CF544EE9',1720000000123456789,'2024-10-18 14:30:52.000000','missing',NULL,NULL,NULL);
INSERT INTO "file_locations" VALUES(4,2,1,42,0,'photos/Z\xfcrich\x0a/\u202egpj.jpg',X'70686F746F732F5AFC726963680A2FE280AE67706A2E6A7067',1000,X'80068739DF523944376B93FE79974DF35B65DA92E4451F25251698C172686041',1720000000123456789,'2024-10-18 14:30:52.000000','missing','2024-11-01 00:00:00.000000',NULL,NULL);
CREATE TABLE file_storages (
	id INTEGER NOT NULL, 
	storage_uuid VARCHAR(36) NOT NULL, 
	directory_name TEXT NOT NULL, 
	base_path TEXT NOT NULL, 
	display_name TEXT NOT NULL, 
	description TEXT NOT NULL, 
	layout TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	is_accessible BOOLEAN NOT NULL, 
	total_files BIGINT NOT NULL, 
	total_size_bytes BIGINT NOT NULL, 
	last_scan_at DATETIME, 
	master_digest BLOB, 
	device TEXT, 
	inode TEXT, 
	file_system_uuid TEXT, 
	CONSTRAINT pk_file_storages PRIMARY KEY (id), 
	CONSTRAINT uq_file_storages_storage_uuid UNIQUE (storage_uuid)
);
INSERT INTO "file_storages" VALUES(1,'90329256-4e08-516d-97a2-15f33dadf1cd','imalink_20241018_143052_90329256','/media/disk','Disk 9032','','hybrid','2024-10-18 14:30:52.000000',1,1,4,4000,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE health_reports (
	id INTEGER NOT NULL, 
	taken_at DATETIME NOT NULL, 
	report TEXT NOT NULL, 
	CONSTRAINT pk_health_reports PRIMARY KEY (id)
);
CREATE TABLE image_files (
	id INTEGER NOT NULL, 
	hothash BLOB NOT NULL, 
	hothash_method TEXT NOT NULL, 
	photo_id INTEGER NOT NULL, 
	import_session_id INTEGER NOT NULL, 
	imported_at DATETIME NOT NULL, 
	original_filename TEXT NOT NULL, 
	original_path TEXT NOT NULL, 
	file_format TEXT NOT NULL, 
	width BIGINT, 
	height BIGINT, 
	orientation INTEGER NOT NULL, 
	hotpreview_rendition TEXT, 
	facts TEXT NOT NULL, 
	previous_hothashes TEXT, 
	CONSTRAINT pk_image_files PRIMARY KEY (id), 
	CONSTRAINT uq_image_files_hothash UNIQUE (hothash), 
	CONSTRAINT fk_image_files_photo_id FOREIGN KEY(photo_id) REFERENCES photos (id), 
	CONSTRAINT fk_image_files_import_session_id FOREIGN KEY(import_session_id) REFERENCES import_sessions (id)
);
INSERT INTO "image_files" VALUES(1,X'A18B869B2E81C0C529552A3C4FA5C92ED08B98A4E146AED778D71D27517F83AC','jpeg-1',1,42,'2024-10-18 14:30:52.000000','full.jpg','DCIM/full.jpg','JPEG',6000,4000,6,'0000aaaa','{"file_format":"JPEG","width":6000,"height":4000,"orientation":6,"duration_seconds":2.5,"capture_time":{"local":"2024-07-10T14:30:00.12","offset":"+02:00","source":"exif"},"content_identifier":"0E4C1B3A","camera":{"make":"Canon","model":"EOS R5","lens":"RF 24-70","iso":200,"exposure_seconds":0.004,"f_number":2.8,"focal_length_mm":35.5},"gps":{"latitude":41.9,"longitude":12.5,"altitude":21.0},"embedded":{"rating":4,"rejected":true,"label":"Red","keywords":["Rome","Zürich"],"hierarchical_keywords":["Places|Italy|Rome"],"title":"Forum","caption":"Morning\nlight","author":"Ada","copyright":"© Ada"}}','["6db7d803e74f1ffa7d8f5adc0bf95b3e15bf4c8373fffadf546227cc6c6742cb"]');
INSERT INTO "image_files" VALUES(2,X'9B828D53402D6E332EF05A2FE03063B359192571BA99FCD3B85074F46A72FD7E','file-1',2,42,'2024-10-18 14:30:52.000000','bare.jpg','DCIM/bare.jpg','RAW',NULL,NULL,1,NULL,'{"file_format":"RAW"}',NULL);
CREATE TABLE import_sessions (
	id INTEGER NOT NULL, 
	session_uuid VARCHAR(36) NOT NULL, 
	title TEXT NOT NULL, 
	description TEXT NOT NULL, 
	imported_at DATETIME NOT NULL, 
	file_storage_id INTEGER, 
	default_author_id INTEGER, 
	original_source_path TEXT NOT NULL, 
	status VARCHAR(40) NOT NULL, 
	copy_started_at DATETIME, 
	copy_completed_at DATETIME, 
	total_scanned BIGINT NOT NULL, 
	new_imports BIGINT NOT NULL, 
	duplicates_skipped BIGINT NOT NULL, 
	companions BIGINT NOT NULL, 
	ignored BIGINT NOT NULL, 
	errors BIGINT NOT NULL, 
	total_size_bytes BIGINT NOT NULL, 
	CONSTRAINT pk_import_sessions PRIMARY KEY (id), 
	CONSTRAINT uq_import_sessions_session_uuid UNIQUE (session_uuid), 
	CONSTRAINT fk_import_sessions_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id), 
	CONSTRAINT fk_import_sessions_default_author_id FOREIGN KEY(default_author_id) REFERENCES authors (id)
);
INSERT INTO "import_sessions" VALUES(42,'19f46f94-4d69-5755-8e4d-f2c65fb5ca64','Italy Summer 2024','Two weeks','2024-10-18 14:30:52.000000',1,2,'/media/card/DCIM','completed-with-findings','2024-10-18 14:30:52.000000','2024-10-18 14:31:52.000000',6,2,1,1,1,1,2010);
CREATE TABLE jobs (
	job_id VARCHAR(36) NOT NULL, 
	asked TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	holder BLOB NOT NULL, 
	queued_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	seen_at DATETIME NOT NULL, 
	progress TEXT NOT NULL, 
	report TEXT, 
	error TEXT, 
	CONSTRAINT pk_jobs PRIMARY KEY (job_id)
);
CREATE TABLE library_fields (
	kind VARCHAR(40) NOT NULL, 
	"key" VARCHAR(100) NOT NULL, 
	field VARCHAR(200) NOT NULL, 
	value TEXT NOT NULL, 
	counter BIGINT NOT NULL, 
	writer TEXT NOT NULL, 
	CONSTRAINT pk_library_fields PRIMARY KEY (kind, "key", field)
);
INSERT INTO "library_fields" VALUES('author','22d83e8a-3ab1-5617-ae53-64cca05a92d9','name','"Ada King"',8,'011264f4-4d7e-5545-9caf-f0f8cbf7786a');
INSERT INTO "library_fields" VALUES('author','22d83e8a-3ab1-5617-ae53-64cca05a92d9','email','"ada@example.org"',8,'011264f4-4d7e-5545-9caf-f0f8cbf7786a');
INSERT INTO "library_fields" VALUES('author','22d83e8a-3ab1-5617-ae53-64cca05a92d9','bio','"Wrote the first program."',8,'011264f4-4d7e-5545-9caf-f0f8cbf7786a');
INSERT INTO "library_fields" VALUES('collection','6f0c1ad5-4ed5-4a0b-9c86-6a8a1ed1b1f0','title','"Best of Rome"',9,'011264f4-4d7e-5545-9caf-f0f8cbf7786a');
INSERT INTO "library_fields" VALUES('collection','6f0c1ad5-4ed5-4a0b-9c86-6a8a1ed1b1f0','description','"For the wall"',9,'011264f4-4d7e-5545-9caf-f0f8cbf7786a');
INSERT INTO "library_fields" VALUES('collection','6f0c1ad5-4ed5-4a0b-9c86-6a8a1ed1b1f0','photo.d410a982-caa3-5892-96e7-a97210847f1d','"V"',9,'011264f4-4d7e-5545-9caf-f0f8cbf7786a');
INSERT INTO "library_fields" VALUES('saved-search','b3f4f1de-0c1e-4d0e-8d3e-0d5a0b1f6f11','title','"Five stars"',10,'011264f4-4d7e-5545-9caf-f0f8cbf7786a');
INSERT INTO "library_fields" VALUES('saved-search','b3f4f1de-0c1e-4d0e-8d3e-0d5a0b1f6f11','query','"rating:5"',10,'011264f4-4d7e-5545-9caf-f0f8cbf7786a');
INSERT INTO "library_fields" VALUES('saved-search','b3f4f1de-0c1e-4d0e-8d3e-0d5a0b1f6f11','is_favorite','true',10,'011264f4-4d7e-5545-9caf-f0f8cbf7786a');
CREATE TABLE library_state (
	id INTEGER NOT NULL, 
	library_rev BIGINT NOT NULL, edit_counter BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_library_state PRIMARY KEY (id)
);
INSERT INTO "library_state" VALUES(1,1,10);
CREATE TABLE login_failures (
	scope VARCHAR(20) NOT NULL, 
	subject VARCHAR(64) NOT NULL, 
	count INTEGER NOT NULL, 
	last_at DATETIME NOT NULL, 
	CONSTRAINT pk_login_failures PRIMARY KEY (scope, subject)
);
INSERT INTO "login_failures" VALUES('name','ada',2,'2024-11-01 00:00:00.000000');
CREATE TABLE logins (
	key_hash BLOB NOT NULL, 
	account_id INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_logins PRIMARY KEY (key_hash), 
	CONSTRAINT fk_logins_account_id FOREIGN KEY(account_id) REFERENCES accounts (id)
);
CREATE TABLE operation_edits (
	operation_uuid VARCHAR(36) NOT NULL, 
	photo_uuid VARCHAR(36) NOT NULL, 
	edit TEXT NOT NULL, 
	CONSTRAINT pk_operation_edits PRIMARY KEY (operation_uuid, photo_uuid)
);
INSERT INTO "operation_edits" VALUES('aaaaaaaa-0000-4000-8000-000000000001','343b2449-2912-5d5d-9f13-f562d33255a3','{"photo_uuid":"343b2449-2912-5d5d-9f13-f562d33255a3","fields":["rating"],"before":{},"after":{"rating":4}}');
CREATE TABLE operations (
	operation_uuid VARCHAR(36) NOT NULL, 
	file_storage_id INTEGER NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	title TEXT NOT NULL, 
	counts TEXT NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	lamport BIGINT NOT NULL, 
	undoes VARCHAR(36), 
	has_inverse BOOLEAN NOT NULL, 
	CONSTRAINT pk_operations PRIMARY KEY (operation_uuid, file_storage_id), 
	CONSTRAINT fk_operations_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id)
);
INSERT INTO "operations" VALUES('aaaaaaaa-0000-4000-8000-000000000001',1,'reindex','Re-index: 1 moved','{"moved":1}','2024-10-20 10:00:00.000000',4,NULL,1);
CREATE TABLE photo_days (
	day INTEGER NOT NULL, 
	photo_count BIGINT NOT NULL, 
	CONSTRAINT pk_photo_days PRIMARY KEY (day)
);
INSERT INTO "photo_days" VALUES(-2147483647,1);
INSERT INTO "photo_days" VALUES(19914,1);
CREATE TABLE photo_tags (
	photo_id INTEGER NOT NULL, 
	tag_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_photo_tags PRIMARY KEY (photo_id, tag_id), 
	CONSTRAINT fk_photo_tags_photo_id FOREIGN KEY(photo_id) REFERENCES photos (id), 
	CONSTRAINT fk_photo_tags_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id)
);
INSERT INTO "photo_tags" VALUES(1,1,0);
INSERT INTO "photo_tags" VALUES(1,2,1);
CREATE TABLE photos (
	id INTEGER NOT NULL, 
	photo_uuid VARCHAR(36) NOT NULL, 
	primary_hothash BLOB NOT NULL, 
	title TEXT, 
	caption TEXT, 
	rating INTEGER, 
	label TEXT, 
	rejected BOOLEAN NOT NULL, 
	author TEXT, 
	taken_at DATETIME, 
	taken_at_local TEXT, 
	taken_at_offset TEXT, 
	taken_at_source TEXT, 
	camera_make TEXT, 
	camera_model TEXT, 
	lens TEXT, 
	width BIGINT, 
	height BIGINT, 
	latitude FLOAT, 
	longitude FLOAT, 
	altitude FLOAT, 
	file_format TEXT NOT NULL, 
	user_facts TEXT, local_day INTEGER, aspect INTEGER DEFAULT '0' NOT NULL, has_raw BOOLEAN DEFAULT 0 NOT NULL, search_text TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_photos PRIMARY KEY (id), 
	CONSTRAINT uq_photos_photo_uuid UNIQUE (photo_uuid)
);
INSERT INTO "photos" VALUES(1,'d410a982-caa3-5892-96e7-a97210847f1d',X'A18B869B2E81C0C529552A3C4FA5C92ED08B98A4E146AED778D71D27517F83AC','Forum Romanum','As it was',5,'Green',0,'Ada Lovelace','2024-07-10 12:30:00.120000','2024-07-10T14:30:00.12','+02:00','exif','Canon','EOS R5','RF 24-70',4000,6000,41.9,12.5,21.0,'JPEG','{"photo_uuid":"d410a982-caa3-5892-96e7-a97210847f1d","files":["a18b869b2e81c0c529552a3c4fa5c92ed08b98a4e146aed778d71d27517f83ac"],"primary":"a18b869b2e81c0c529552a3c4fa5c92ed08b98a4e146aed778d71d27517f83ac","title":"Forum Romanum","caption":"As it was","rating":5,"label":"Green","rejected":false,"tags":["Rome","holiday"],"author":{"name":"Ada Lovelace","email":"ada@example.org"},"clocks":{"tags":{"counter":9,"writer":"011264f4-4d7e-5545-9caf-f0f8cbf7786a"},"title":{"counter":7,"writer":"011264f4-4d7e-5545-9caf-f0f8cbf7786a"}}}',19914,666,0,'forum romanum as it was ada lovelace canon eos r5 rf 24 70 rome holiday full jpg');
INSERT INTO "photos" VALUES(2,'343b2449-2912-5d5d-9f13-f562d33255a3',X'9B828D53402D6E332EF05A2FE03063B359192571BA99FCD3B85074F46A72FD7E',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'RAW',NULL,NULL,0,1,'bare jpg');
CREATE TABLE scan_snapshots (
	file_storage_id INTEGER NOT NULL, 
	master_digest BLOB NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_scan_snapshots PRIMARY KEY (file_storage_id), 
	CONSTRAINT fk_scan_snapshots_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id)
);
CREATE TABLE scheduled_tasks (
	task VARCHAR(40) NOT NULL, 
	storage_uuid VARCHAR(36) NOT NULL, 
	counts_from DATETIME NOT NULL, 
	tried_at DATETIME, 
	outcome TEXT NOT NULL, 
	job_id VARCHAR(36), 
	CONSTRAINT pk_scheduled_tasks PRIMARY KEY (task, storage_uuid)
);
CREATE TABLE session_files (
	import_session_id INTEGER NOT NULL, 
	file_storage_id INTEGER NOT NULL, 
	number BIGINT NOT NULL, 
	generation BIGINT NOT NULL, 
	generated_at TEXT NOT NULL, 
	head TEXT NOT NULL, 
	CONSTRAINT pk_session_files PRIMARY KEY (import_session_id, file_storage_id), 
	CONSTRAINT fk_session_files_import_session_id FOREIGN KEY(import_session_id) REFERENCES import_sessions (id), 
	CONSTRAINT fk_session_files_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id)
);
INSERT INTO "session_files" VALUES(42,1,42,3,'2024-10-18T15:00:00Z','{"session":{"number":42,"session_uuid":"19f46f94-4d69-5755-8e4d-f2c65fb5ca64","title":"Italy Summer 2024","description":"Two weeks","imported_at":"2024-10-18T14:30:52Z","default_author":{"name":"Ada Lovelace","email":"ada@example.org"},"default_author_id":1,"file_storage_id":5,"source_path":"/media/card/DCIM","status":"completed-with-findings","copy_started_at":"2024-10-18T14:30:52Z","copy_completed_at":"2024-10-18T14:31:52Z"},"statistics":{"total_scanned":6,"new_imports":2,"duplicates_skipped":1,"companions":1,"ignored":1,"errors":1,"total_size_bytes":2010}}');
CREATE TABLE session_photos (
	import_session_id INTEGER NOT NULL, 
	file_storage_id INTEGER NOT NULL, 
	photo_uuid VARCHAR(36) NOT NULL, 
	imported_at DATETIME NOT NULL, 
	record TEXT NOT NULL, 
	CONSTRAINT pk_session_photos PRIMARY KEY (import_session_id, file_storage_id, photo_uuid), 
	CONSTRAINT fk_session_photos_import_session_id FOREIGN KEY(import_session_id) REFERENCES import_sessions (id), 
	CONSTRAINT fk_session_photos_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id)
);
INSERT INTO "session_photos" VALUES(42,1,'d410a982-caa3-5892-96e7-a97210847f1d','2024-10-18 14:30:52.000000','{"photo_uuid":"d410a982-caa3-5892-96e7-a97210847f1d","files":["a18b869b2e81c0c529552a3c4fa5c92ed08b98a4e146aed778d71d27517f83ac"],"primary":"a18b869b2e81c0c529552a3c4fa5c92ed08b98a4e146aed778d71d27517f83ac","title":"Forum Romanum","caption":"As it was","rating":5,"label":"Green","rejected":false,"tags":["Rome","holiday"],"author":{"name":"Ada Lovelace","email":"ada@example.org"},"clocks":{"tags":{"counter":9,"writer":"011264f4-4d7e-5545-9caf-f0f8cbf7786a"},"title":{"counter":7,"writer":"011264f4-4d7e-5545-9caf-f0f8cbf7786a"}}}');
CREATE TABLE tags (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_tags PRIMARY KEY (id), 
	CONSTRAINT uq_tags_name UNIQUE (name)
);
INSERT INTO "tags" VALUES(1,'Rome');
INSERT INTO "tags" VALUES(2,'holiday');
CREATE TABLE unfinished_verifications (
	file_storage_id INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_unfinished_verifications PRIMARY KEY (file_storage_id), 
	CONSTRAINT fk_unfinished_verifications_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id)
);
INSERT INTO "unfinished_verifications" VALUES(1,X'68616C662D776179');
CREATE TABLE verified_files (
	file_storage_id INTEGER NOT NULL, 
	path BLOB NOT NULL, 
	sha256 BLOB NOT NULL, 
	verified_at DATETIME NOT NULL, 
	CONSTRAINT pk_verified_files PRIMARY KEY (file_storage_id, path), 
	CONSTRAINT fk_verified_files_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id)
);
INSERT INTO "verified_files" VALUES(1,X'70686F746F732F323032342F612E6A7067',X'ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB','2024-11-01 08:00:00.000000');
CREATE TABLE waiting_edits (
	id INTEGER NOT NULL, 
	file_storage_id INTEGER NOT NULL, 
	photo_uuid VARCHAR(36) NOT NULL, 
	said_at DATETIME NOT NULL, 
	hothashes TEXT NOT NULL, 
	said TEXT NOT NULL, 
	CONSTRAINT pk_waiting_edits PRIMARY KEY (id), 
	CONSTRAINT fk_waiting_edits_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id)
);
CREATE TABLE waiting_library_edits (
	id INTEGER NOT NULL, 
	file_storage_id INTEGER NOT NULL, 
	edit TEXT NOT NULL, 
	CONSTRAINT pk_waiting_library_edits PRIMARY KEY (id), 
	CONSTRAINT fk_waiting_library_edits_file_storage_id FOREIGN KEY(file_storage_id) REFERENCES file_storages (id)
);
INSERT INTO "waiting_library_edits" VALUES(1,1,'{"kind":"author","key":"22d83e8a-3ab1-5617-ae53-64cca05a92d9","values":{"bio":"Wrote the first program.","email":"ada@example.org","name":"Ada King"},"clock":{"counter":8,"writer":"011264f4-4d7e-5545-9caf-f0f8cbf7786a"}}');
INSERT INTO "waiting_library_edits" VALUES(2,1,'{"kind":"collection","key":"6f0c1ad5-4ed5-4a0b-9c86-6a8a1ed1b1f0","values":{"description":"For the wall","photo.d410a982-caa3-5892-96e7-a97210847f1d":"V","title":"Best of Rome"},"clock":{"counter":9,"writer":"011264f4-4d7e-5545-9caf-f0f8cbf7786a"}}');
INSERT INTO "waiting_library_edits" VALUES(3,1,'{"kind":"saved-search","key":"b3f4f1de-0c1e-4d0e-8d3e-0d5a0b1f6f11","values":{"is_favorite":true,"query":"rating:5","title":"Five stars"},"clock":{"counter":10,"writer":"011264f4-4d7e-5545-9caf-f0f8cbf7786a"}}');
CREATE INDEX ix_import_sessions_file_storage_id ON import_sessions (file_storage_id);
CREATE INDEX ix_photos_rating_taken_at_id ON photos (rating, taken_at, id);
CREATE INDEX ix_photos_taken_at_id ON photos (taken_at, id);
CREATE INDEX ix_photo_tags_tag_id_photo_id ON photo_tags (tag_id, photo_id);
CREATE INDEX ix_image_files_import_session_id ON image_files (import_session_id);
CREATE INDEX ix_image_files_photo_id ON image_files (photo_id);
CREATE INDEX ix_file_locations_file_size ON file_locations (file_size);
CREATE INDEX ix_file_locations_file_storage_id_relative_path ON file_locations (file_storage_id, relative_path);
CREATE INDEX ix_file_locations_image_file_id ON file_locations (image_file_id);
CREATE INDEX ix_file_locations_sha256 ON file_locations (sha256);
CREATE INDEX ix_companion_files_image_file_id ON companion_files (image_file_id);
CREATE INDEX ix_session_files_file_storage_id_number ON session_files (file_storage_id, number);
CREATE INDEX ix_session_photos_photo_uuid ON session_photos (photo_uuid);
CREATE INDEX ix_deleted_files_hothash ON deleted_files (hothash);
CREATE INDEX ix_deleted_files_sha256 ON deleted_files (sha256);
CREATE INDEX ix_waiting_edits_file_storage_id_id ON waiting_edits (file_storage_id, id);
CREATE INDEX ix_waiting_edits_photo_uuid ON waiting_edits (photo_uuid);
CREATE INDEX ix_operations_recorded_at ON operations (recorded_at);
CREATE INDEX ix_operations_undoes ON operations (undoes);
CREATE INDEX ix_operation_edits_photo_uuid ON operation_edits (photo_uuid);
CREATE INDEX ix_jobs_queued_at ON jobs (queued_at);
CREATE INDEX ix_jobs_state ON jobs (state);
CREATE INDEX ix_health_reports_taken_at ON health_reports (taken_at);
CREATE INDEX ix_photos_camera_make_camera_model_taken_at_id ON photos (camera_make, camera_model, taken_at, id);
CREATE INDEX ix_photos_lens_taken_at_id ON photos (lens, taken_at, id);
CREATE INDEX ix_photos_latitude_longitude ON photos (latitude, longitude);
CREATE INDEX ix_photos_author_taken_at_id ON photos (author, taken_at, id);
CREATE INDEX ix_image_files_file_format_photo_id ON image_files (file_format, photo_id);
CREATE INDEX ix_file_locations_missing ON file_locations (image_file_id) WHERE status = 'missing';
CREATE INDEX ix_file_locations_damaged ON file_locations (image_file_id) WHERE damage IS NOT NULL;
CREATE INDEX ix_waiting_library_edits_file_storage_id_id ON waiting_library_edits (file_storage_id, id);
CREATE UNIQUE INDEX ix_authors_author_key ON authors (author_key);
CREATE INDEX ix_logins_account_id ON logins (account_id);
CREATE INDEX ix_api_tokens_account_id ON api_tokens (account_id);
CREATE INDEX ix_login_failures_last_at ON login_failures (last_at);
CREATE INDEX ix_audit_events_action_id ON audit_events (action, id);
CREATE VIRTUAL TABLE photo_search USING fts5(search_text, content='photos', content_rowid='id', detail=none, columnsize=0, prefix='2', tokenize="unicode61 remove_diacritics 0");
INSERT INTO photo_search(photo_search) VALUES('rebuild');
COMMIT;
