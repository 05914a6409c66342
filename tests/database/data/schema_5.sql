CREATE TABLE models (
	arn VARCHAR NOT NULL,
	model_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	version VARCHAR,
	language VARCHAR NOT NULL,
	mode VARCHAR,
	input_config JSON NOT NULL,
	output_uri VARCHAR,
	role_arn VARCHAR,
	submitted_at DATETIME NOT NULL,
	artifact_uri VARCHAR NOT NULL,
	source_arn VARCHAR,
	source_artifact_uri VARCHAR,
	artifact_sha256 VARCHAR,
	artifact_size INTEGER,
	result VARCHAR,
	warning VARCHAR,
	failure VARCHAR,
	ended_at DATETIME,
	deleting BOOLEAN NOT NULL,
	CONSTRAINT pk_models PRIMARY KEY (arn),
	CONSTRAINT uq_models_model_id UNIQUE (model_id)
);
CREATE INDEX ix_models_listing ON models (account, kind, submitted_at, arn);
CREATE TABLE model_policies (
	arn VARCHAR NOT NULL,
	policy TEXT NOT NULL,
	pinned_policy TEXT NOT NULL,
	revision VARCHAR NOT NULL,
	created_at DATETIME NOT NULL,
	modified_at DATETIME NOT NULL,
	CONSTRAINT pk_model_policies PRIMARY KEY (arn)
);
CREATE TABLE jobs (
	job_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	arn VARCHAR NOT NULL,
	name VARCHAR,
	client_token VARCHAR,
	fingerprint VARCHAR NOT NULL,
	phase VARCHAR NOT NULL,
	attempt INTEGER NOT NULL,
	stop_requested BOOLEAN NOT NULL,
	outcome VARCHAR,
	failure_code VARCHAR,
	failure_text VARCHAR,
	containers INTEGER NOT NULL,
	members JSON NOT NULL,
	members_made INTEGER NOT NULL,
	replacements INTEGER NOT NULL,
	distributed BOOLEAN NOT NULL,
	part_bytes INTEGER NOT NULL,
	submitted_at DATETIME NOT NULL,
	admitted_at DATETIME,
	running_at DATETIME,
	stop_asked_at DATETIME,
	finishing_at DATETIME,
	ended_at DATETIME,
	role_arn VARCHAR NOT NULL,
	engine VARCHAR NOT NULL,
	analysis VARCHAR NOT NULL,
	language VARCHAR,
	input_uri VARCHAR NOT NULL,
	input_format VARCHAR NOT NULL,
	output_uri VARCHAR NOT NULL,
	document_limit INTEGER NOT NULL,
	total_limit INTEGER NOT NULL,
	documents_limit INTEGER NOT NULL,
	request JSON NOT NULL,
	subnets JSON,
	security_groups JSON,
	documents INTEGER NOT NULL,
	documents_of INTEGER NOT NULL,
	model_arn VARCHAR,
	artifact_uri VARCHAR,
	artifact_sha256 VARCHAR,
	artifact_size INTEGER,
	result VARCHAR,
	warning VARCHAR,
	CONSTRAINT pk_jobs PRIMARY KEY (job_id),
	CONSTRAINT uq_jobs_account_kind_client_token UNIQUE (account, kind, client_token),
	CONSTRAINT uq_jobs_arn UNIQUE (arn)
);
CREATE INDEX ix_jobs_submitted ON jobs (submitted_at, engine);
CREATE INDEX ix_jobs_kind_admitted ON jobs (account, kind, admitted_at);
CREATE INDEX ix_jobs_model_arn ON jobs (model_arn);
CREATE INDEX ix_jobs_queue ON jobs (phase, account, kind, submitted_at, job_id);
CREATE INDEX ix_jobs_account_admitted ON jobs (account, admitted_at);
CREATE INDEX ix_jobs_listing ON jobs (account, kind, submitted_at, job_id);
CREATE TABLE job_tags (
	arn VARCHAR NOT NULL,
	"key" VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	CONSTRAINT pk_job_tags PRIMARY KEY (arn, "key")
);
CREATE TABLE iam_users (
	tags TEXT NOT NULL,
	boundary VARCHAR,
	unique_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	name_key VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_users PRIMARY KEY (unique_id),
	CONSTRAINT uq_iam_users_account_name_key UNIQUE (account, name_key)
);
CREATE INDEX ix_iam_users_boundary ON iam_users (boundary);
CREATE TABLE iam_groups (
	unique_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	name_key VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_groups PRIMARY KEY (unique_id),
	CONSTRAINT uq_iam_users_account_name_key UNIQUE (account, name_key)
);
CREATE TABLE iam_roles (
	description VARCHAR,
	trust_policy TEXT NOT NULL,
	pinned_trust_policy TEXT NOT NULL,
	max_session_duration INTEGER NOT NULL,
	tags TEXT NOT NULL,
	boundary VARCHAR,
	unique_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	name_key VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_roles PRIMARY KEY (unique_id),
	CONSTRAINT uq_iam_users_account_name_key UNIQUE (account, name_key)
);
CREATE INDEX ix_iam_roles_boundary ON iam_roles (boundary);
CREATE TABLE iam_managed_policies (
	description VARCHAR,
	updated_at DATETIME NOT NULL,
	default_version INTEGER NOT NULL,
	newest_version INTEGER NOT NULL,
	tags TEXT NOT NULL,
	unique_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	name_key VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_managed_policies PRIMARY KEY (unique_id),
	CONSTRAINT uq_iam_users_account_name_key UNIQUE (account, name_key)
);
CREATE TABLE iam_attached_policies (
	owner_id VARCHAR NOT NULL,
	policy_arn VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	CONSTRAINT pk_iam_attached_policies PRIMARY KEY (owner_id, policy_arn)
);
CREATE INDEX ix_iam_attached_policies_policy_arn ON iam_attached_policies (policy_arn);
CREATE INDEX ix_iam_attached_policies_account ON iam_attached_policies (account);
CREATE TABLE iam_account_aliases (
	account VARCHAR NOT NULL,
	alias VARCHAR NOT NULL,
	CONSTRAINT pk_iam_account_aliases PRIMARY KEY (account),
	CONSTRAINT uq_iam_account_aliases_alias UNIQUE (alias)
);
CREATE TABLE iam_inline_policies (
	owner_id VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	document TEXT NOT NULL,
	CONSTRAINT pk_iam_inline_policies PRIMARY KEY (owner_id, name)
);
CREATE TABLE iam_sign_ins (
	access_key_id VARCHAR NOT NULL,
	expires_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_sign_ins PRIMARY KEY (access_key_id)
);
CREATE INDEX ix_iam_sign_ins_expires_at ON iam_sign_ins (expires_at);
CREATE TABLE iam_accounts (
	account VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_accounts PRIMARY KEY (account)
);
CREATE TABLE dhcp_options (
	dhcp_options_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	options JSON NOT NULL,
	is_default BOOLEAN NOT NULL,
	CONSTRAINT pk_dhcp_options PRIMARY KEY (dhcp_options_id)
);
CREATE INDEX ix_dhcp_options_account ON dhcp_options (account);
CREATE TABLE vpcs (
	vpc_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	vni INTEGER NOT NULL,
	tenancy VARCHAR NOT NULL,
	is_default BOOLEAN NOT NULL,
	internal BOOLEAN NOT NULL,
	dhcp_options_id VARCHAR NOT NULL,
	enable_dns_support BOOLEAN NOT NULL,
	enable_dns_hostnames BOOLEAN NOT NULL,
	enable_network_address_usage_metrics BOOLEAN NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_vpcs PRIMARY KEY (vpc_id),
	CONSTRAINT uq_vpcs_vni UNIQUE (vni)
);
CREATE INDEX ix_vpcs_account ON vpcs (account);
CREATE TABLE elastic_address_rests (
	public_ip VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	released_at DATETIME NOT NULL,
	CONSTRAINT pk_elastic_address_rests PRIMARY KEY (public_ip)
);
CREATE TABLE nat_gateways (
	nat_gateway_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	vpc_id VARCHAR NOT NULL,
	subnet_id VARCHAR NOT NULL,
	connectivity VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	failure_code VARCHAR,
	failure_message VARCHAR,
	addresses JSON NOT NULL,
	created_at DATETIME NOT NULL,
	ended_at DATETIME,
	CONSTRAINT pk_nat_gateways PRIMARY KEY (nat_gateway_id)
);
CREATE INDEX ix_nat_gateways_vpc_id ON nat_gateways (vpc_id);
CREATE INDEX ix_nat_gateways_account ON nat_gateways (account);
CREATE INDEX ix_nat_gateways_subnet_id ON nat_gateways (subnet_id);
CREATE TABLE prefix_lists (
	prefix_list_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	max_entries INTEGER NOT NULL,
	version INTEGER NOT NULL,
	state VARCHAR NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_prefix_lists PRIMARY KEY (prefix_list_id)
);
CREATE INDEX ix_prefix_lists_account ON prefix_lists (account);
CREATE TABLE network_insights_paths (
	path_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	source VARCHAR NOT NULL,
	destination VARCHAR,
	protocol VARCHAR NOT NULL,
	request JSON NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_network_insights_paths PRIMARY KEY (path_id)
);
CREATE INDEX ix_network_insights_paths_account ON network_insights_paths (account);
CREATE TABLE flow_logs (
	flow_log_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	resource_type VARCHAR NOT NULL,
	resource_id VARCHAR NOT NULL,
	traffic_type VARCHAR NOT NULL,
	destination_type VARCHAR NOT NULL,
	log_group_name VARCHAR,
	log_destination VARCHAR,
	deliver_role_arn VARCHAR,
	log_format VARCHAR NOT NULL,
	max_aggregation_interval INTEGER NOT NULL,
	file_format VARCHAR NOT NULL,
	hive_compatible_partitions BOOLEAN NOT NULL,
	per_hour_partition BOOLEAN NOT NULL,
	deliver_status VARCHAR NOT NULL,
	deliver_error VARCHAR,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_flow_logs PRIMARY KEY (flow_log_id)
);
CREATE INDEX ix_flow_logs_account ON flow_logs (account);
CREATE INDEX ix_flow_logs_resource_id ON flow_logs (resource_id);
CREATE TABLE ec2_tags (
	resource_id VARCHAR NOT NULL,
	"key" VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	resource_type VARCHAR NOT NULL,
	CONSTRAINT pk_ec2_tags PRIMARY KEY (resource_id, "key")
);
CREATE INDEX ix_ec2_tags_account ON ec2_tags (account);
CREATE TABLE ec2_client_tokens (
	account VARCHAR NOT NULL,
	operation VARCHAR NOT NULL,
	token VARCHAR NOT NULL,
	parameters VARCHAR NOT NULL,
	resource_ids JSON NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_ec2_client_tokens PRIMARY KEY (account, operation, token)
);
CREATE TABLE s3_buckets (
	name VARCHAR(63) NOT NULL,
	account VARCHAR(32) NOT NULL,
	region VARCHAR(32) NOT NULL,
	created_at DATETIME NOT NULL,
	policy TEXT,
	pinned_policy TEXT,
	public_access_block JSON,
	tags JSON,
	cors JSON,
	CONSTRAINT pk_s3_buckets PRIMARY KEY (name)
);
CREATE INDEX ix_s3_buckets_account ON s3_buckets (account);
CREATE TABLE outside_writes (
	id INTEGER NOT NULL,
	count INTEGER NOT NULL,
	CONSTRAINT pk_outside_writes PRIMARY KEY (id)
);
CREATE TABLE log_groups (
	group_id INTEGER NOT NULL,
	account VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	created_at BIGINT NOT NULL,
	tags TEXT NOT NULL,
	CONSTRAINT pk_log_groups PRIMARY KEY (group_id),
	CONSTRAINT uq_log_groups_account_name UNIQUE (account, name)
);
CREATE TABLE job_events (
	sequence INTEGER NOT NULL,
	job_id VARCHAR NOT NULL,
	at DATETIME NOT NULL,
	event VARCHAR NOT NULL,
	text VARCHAR NOT NULL,
	told BOOLEAN NOT NULL,
	CONSTRAINT pk_job_events PRIMARY KEY (sequence),
	CONSTRAINT fk_job_events_job_id FOREIGN KEY(job_id) REFERENCES jobs (job_id)
);
CREATE INDEX ix_job_events_job_id ON job_events (job_id);
CREATE INDEX ix_job_events_told ON job_events (told);
CREATE TABLE job_containers (
	container_id VARCHAR NOT NULL,
	job_id VARCHAR NOT NULL,
	attempt INTEGER NOT NULL,
	member INTEGER NOT NULL,
	host VARCHAR NOT NULL,
	vpc_id VARCHAR,
	interface_id VARCHAR,
	role_arn VARCHAR NOT NULL,
	session_name VARCHAR NOT NULL,
	credentials_path VARCHAR NOT NULL,
	model_credentials_path VARCHAR,
	cluster_path VARCHAR,
	wanted BOOLEAN NOT NULL,
	stop BOOLEAN NOT NULL,
	removed_at DATETIME,
	CONSTRAINT pk_job_containers PRIMARY KEY (container_id),
	CONSTRAINT fk_job_containers_job_id FOREIGN KEY(job_id) REFERENCES jobs (job_id),
	CONSTRAINT uq_job_containers_interface_id UNIQUE (interface_id),
	CONSTRAINT uq_job_containers_credentials_path UNIQUE (credentials_path),
	CONSTRAINT uq_job_containers_model_credentials_path UNIQUE (model_credentials_path),
	CONSTRAINT uq_job_containers_cluster_path UNIQUE (cluster_path)
);
CREATE INDEX ix_job_containers_job_id ON job_containers (job_id);
CREATE INDEX ix_job_containers_host ON job_containers (host);
CREATE TABLE job_plans (
	job_id VARCHAR NOT NULL,
	attempt INTEGER NOT NULL,
	digest VARCHAR NOT NULL,
	fence INTEGER NOT NULL,
	CONSTRAINT pk_job_plans PRIMARY KEY (job_id),
	CONSTRAINT fk_job_plans_job_id FOREIGN KEY(job_id) REFERENCES jobs (job_id) ON DELETE CASCADE
);
CREATE TABLE job_parts (
	job_id VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	documents INTEGER,
	state VARCHAR NOT NULL,
	holder VARCHAR,
	fence INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	expires_at DATETIME,
	"key" VARCHAR,
	size INTEGER,
	sha256 VARCHAR,
	done_documents INTEGER,
	errors INTEGER,
	CONSTRAINT pk_job_parts PRIMARY KEY (job_id, number),
	CONSTRAINT fk_job_parts_job_id FOREIGN KEY(job_id) REFERENCES jobs (job_id) ON DELETE CASCADE
);
CREATE TABLE job_cluster_authorities (
	job_id VARCHAR NOT NULL,
	attempt INTEGER NOT NULL,
	made_at DATETIME NOT NULL,
	CONSTRAINT pk_job_cluster_authorities PRIMARY KEY (job_id, attempt),
	CONSTRAINT fk_job_cluster_authorities_job_id FOREIGN KEY(job_id) REFERENCES jobs (job_id) ON DELETE CASCADE
);
CREATE TABLE iam_access_keys (
	access_key_id VARCHAR NOT NULL,
	secret_access_key VARCHAR NOT NULL,
	user_id VARCHAR NOT NULL,
	active BOOLEAN NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_access_keys PRIMARY KEY (access_key_id),
	CONSTRAINT fk_iam_access_keys_user_id FOREIGN KEY(user_id) REFERENCES iam_users (unique_id)
);
CREATE INDEX ix_iam_access_keys_user_id ON iam_access_keys (user_id);
CREATE TABLE iam_group_members (
	group_id VARCHAR NOT NULL,
	user_id VARCHAR NOT NULL,
	CONSTRAINT pk_iam_group_members PRIMARY KEY (group_id, user_id),
	CONSTRAINT fk_iam_group_members_group_id FOREIGN KEY(group_id) REFERENCES iam_groups (unique_id),
	CONSTRAINT fk_iam_group_members_user_id FOREIGN KEY(user_id) REFERENCES iam_users (unique_id)
);
CREATE INDEX ix_iam_group_members_user_id ON iam_group_members (user_id);
CREATE TABLE iam_policy_versions (
	policy_id VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	document TEXT NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_policy_versions PRIMARY KEY (policy_id, number),
	CONSTRAINT fk_iam_policy_versions_policy_id FOREIGN KEY(policy_id) REFERENCES iam_managed_policies (unique_id) ON DELETE CASCADE
);
CREATE TABLE iam_role_sessions (
	role_id VARCHAR NOT NULL,
	role_arn VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	session_name VARCHAR NOT NULL,
	transitive_tag_keys TEXT NOT NULL,
	source_identity VARCHAR,
	access_key_id VARCHAR NOT NULL,
	secret_access_key VARCHAR NOT NULL,
	session_token TEXT NOT NULL,
	policy TEXT,
	policy_arns TEXT NOT NULL,
	tags TEXT NOT NULL,
	issued_at DATETIME NOT NULL,
	expires_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_role_sessions PRIMARY KEY (access_key_id),
	CONSTRAINT fk_iam_role_sessions_role_id FOREIGN KEY(role_id) REFERENCES iam_roles (unique_id) ON DELETE CASCADE
);
CREATE INDEX ix_iam_role_sessions_expires_at ON iam_role_sessions (expires_at);
CREATE INDEX ix_iam_role_sessions_role_id ON iam_role_sessions (role_id);
CREATE TABLE iam_user_sessions (
	user_id VARCHAR NOT NULL,
	federated_name VARCHAR,
	access_key_id VARCHAR NOT NULL,
	secret_access_key VARCHAR NOT NULL,
	session_token TEXT NOT NULL,
	policy TEXT,
	policy_arns TEXT NOT NULL,
	tags TEXT NOT NULL,
	issued_at DATETIME NOT NULL,
	expires_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_user_sessions PRIMARY KEY (access_key_id),
	CONSTRAINT fk_iam_user_sessions_user_id FOREIGN KEY(user_id) REFERENCES iam_users (unique_id) ON DELETE CASCADE
);
CREATE INDEX ix_iam_user_sessions_user_id ON iam_user_sessions (user_id);
CREATE INDEX ix_iam_user_sessions_expires_at ON iam_user_sessions (expires_at);
CREATE TABLE iam_sign_in_sessions (
	user_id VARCHAR NOT NULL,
	access_key_id VARCHAR NOT NULL,
	secret_access_key VARCHAR NOT NULL,
	session_token TEXT NOT NULL,
	policy TEXT,
	policy_arns TEXT NOT NULL,
	tags TEXT NOT NULL,
	issued_at DATETIME NOT NULL,
	expires_at DATETIME NOT NULL,
	CONSTRAINT pk_iam_sign_in_sessions PRIMARY KEY (access_key_id),
	CONSTRAINT fk_iam_sign_in_sessions_user_id FOREIGN KEY(user_id) REFERENCES iam_users (unique_id) ON DELETE CASCADE
);
CREATE INDEX ix_iam_sign_in_sessions_expires_at ON iam_sign_in_sessions (expires_at);
CREATE INDEX ix_iam_sign_in_sessions_user_id ON iam_sign_in_sessions (user_id);
CREATE TABLE vpc_cidrs (
	association_id VARCHAR NOT NULL,
	vpc_id VARCHAR NOT NULL,
	cidr VARCHAR NOT NULL,
	"primary" BOOLEAN NOT NULL,
	CONSTRAINT pk_vpc_cidrs PRIMARY KEY (association_id),
	CONSTRAINT fk_vpc_cidrs_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id)
);
CREATE INDEX ix_vpc_cidrs_vpc_id ON vpc_cidrs (vpc_id);
CREATE TABLE subnets (
	subnet_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	vpc_id VARCHAR NOT NULL,
	cidr VARCHAR NOT NULL,
	availability_zone VARCHAR NOT NULL,
	availability_zone_id VARCHAR NOT NULL,
	default_for_az BOOLEAN NOT NULL,
	map_public_ip_on_launch BOOLEAN NOT NULL,
	hostname_type VARCHAR NOT NULL,
	resource_name_dns_a_record BOOLEAN NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_subnets PRIMARY KEY (subnet_id),
	CONSTRAINT fk_subnets_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id)
);
CREATE INDEX ix_subnets_account ON subnets (account);
CREATE INDEX ix_subnets_vpc_id ON subnets (vpc_id);
CREATE TABLE route_tables (
	route_table_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	vpc_id VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_route_tables PRIMARY KEY (route_table_id),
	CONSTRAINT uq_route_tables_vpc_id_number UNIQUE (vpc_id, number),
	CONSTRAINT fk_route_tables_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id)
);
CREATE INDEX ix_route_tables_vpc_id ON route_tables (vpc_id);
CREATE INDEX ix_route_tables_account ON route_tables (account);
CREATE TABLE security_groups (
	group_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	vpc_id VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	description VARCHAR NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_security_groups PRIMARY KEY (group_id),
	CONSTRAINT uq_security_groups_vpc_id_name UNIQUE (vpc_id, name),
	CONSTRAINT fk_security_groups_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id)
);
CREATE INDEX ix_security_groups_vpc_id ON security_groups (vpc_id);
CREATE INDEX ix_security_groups_account ON security_groups (account);
CREATE TABLE internet_gateways (
	internet_gateway_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	vpc_id VARCHAR,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_internet_gateways PRIMARY KEY (internet_gateway_id),
	CONSTRAINT uq_internet_gateways_vpc_id UNIQUE (vpc_id),
	CONSTRAINT fk_internet_gateways_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id)
);
CREATE INDEX ix_internet_gateways_account ON internet_gateways (account);
CREATE TABLE vpc_endpoints (
	vpc_endpoint_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	vpc_id VARCHAR NOT NULL,
	service_name VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	policy VARCHAR NOT NULL,
	private_dns_enabled BOOLEAN NOT NULL,
	private_dns_only_for_inbound_resolver BOOLEAN NOT NULL,
	dns_label VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_vpc_endpoints PRIMARY KEY (vpc_endpoint_id),
	CONSTRAINT uq_vpc_endpoints_vpc_id_number UNIQUE (vpc_id, number),
	CONSTRAINT fk_vpc_endpoints_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id)
);
CREATE INDEX ix_vpc_endpoints_account ON vpc_endpoints (account);
CREATE INDEX ix_vpc_endpoints_vpc_id ON vpc_endpoints (vpc_id);
CREATE TABLE prefix_list_entries (
	prefix_list_id VARCHAR NOT NULL,
	version INTEGER NOT NULL,
	cidr VARCHAR NOT NULL,
	description VARCHAR,
	CONSTRAINT pk_prefix_list_entries PRIMARY KEY (prefix_list_id, version, cidr),
	CONSTRAINT fk_prefix_list_entries_prefix_list_id FOREIGN KEY(prefix_list_id) REFERENCES prefix_lists (prefix_list_id)
);
CREATE TABLE network_insights_analyses (
	analysis_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	path_id VARCHAR NOT NULL,
	status VARCHAR NOT NULL,
	path_found BOOLEAN NOT NULL,
	result JSON NOT NULL,
	filters JSON NOT NULL,
	started_at DATETIME NOT NULL,
	CONSTRAINT pk_network_insights_analyses PRIMARY KEY (analysis_id),
	CONSTRAINT fk_network_insights_analyses_path_id FOREIGN KEY(path_id) REFERENCES network_insights_paths (path_id)
);
CREATE INDEX ix_network_insights_analyses_path_id ON network_insights_analyses (path_id);
CREATE INDEX ix_network_insights_analyses_account ON network_insights_analyses (account);
CREATE TABLE s3_objects (
	bucket VARCHAR(63) NOT NULL,
	"key" BLOB NOT NULL,
	size INTEGER NOT NULL,
	etag VARCHAR(48) NOT NULL,
	sha256 VARCHAR(64),
	last_modified DATETIME NOT NULL,
	headers JSON NOT NULL,
	user_metadata JSON NOT NULL,
	checksum JSON,
	segments JSON NOT NULL,
	multipart BOOLEAN NOT NULL,
	upload_id VARCHAR(64),
	tags JSON,
	part_checksums JSON,
	content BLOB,
	CONSTRAINT pk_s3_objects PRIMARY KEY (bucket, "key"),
	CONSTRAINT fk_s3_objects_bucket FOREIGN KEY(bucket) REFERENCES s3_buckets (name)
);
CREATE TABLE s3_uploads (
	upload_id VARCHAR(64) NOT NULL,
	bucket VARCHAR(63) NOT NULL,
	"key" BLOB NOT NULL,
	initiated DATETIME NOT NULL,
	initiator TEXT NOT NULL,
	headers JSON NOT NULL,
	user_metadata JSON NOT NULL,
	checksum_algorithm VARCHAR(16),
	checksum_type VARCHAR(16),
	tags JSON,
	CONSTRAINT pk_s3_uploads PRIMARY KEY (upload_id),
	CONSTRAINT fk_s3_uploads_bucket FOREIGN KEY(bucket) REFERENCES s3_buckets (name)
);
CREATE INDEX ix_s3_uploads_bucket ON s3_uploads (bucket);
CREATE TABLE log_streams (
	stream_id INTEGER NOT NULL,
	group_id INTEGER NOT NULL,
	name VARCHAR NOT NULL,
	created_at BIGINT NOT NULL,
	first_event_at BIGINT,
	last_event_at BIGINT,
	last_ingested_at BIGINT,
	stored_bytes BIGINT NOT NULL,
	CONSTRAINT pk_log_streams PRIMARY KEY (stream_id),
	CONSTRAINT uq_log_streams_group_id_name UNIQUE (group_id, name),
	CONSTRAINT fk_log_streams_group_id FOREIGN KEY(group_id) REFERENCES log_groups (group_id) ON DELETE CASCADE
);
CREATE TABLE iam_access_key_uses (
	access_key_id VARCHAR NOT NULL,
	used_at DATETIME NOT NULL,
	service VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	CONSTRAINT pk_iam_access_key_uses PRIMARY KEY (access_key_id),
	CONSTRAINT fk_iam_access_key_uses_access_key_id FOREIGN KEY(access_key_id) REFERENCES iam_access_keys (access_key_id) ON DELETE CASCADE
);
CREATE TABLE routes (
	route_table_id VARCHAR NOT NULL,
	destination VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	origin VARCHAR NOT NULL,
	CONSTRAINT pk_routes PRIMARY KEY (route_table_id, destination),
	CONSTRAINT fk_routes_route_table_id FOREIGN KEY(route_table_id) REFERENCES route_tables (route_table_id)
);
CREATE INDEX ix_routes_target ON routes (target);
CREATE TABLE route_table_associations (
	association_id VARCHAR NOT NULL,
	vpc_id VARCHAR NOT NULL,
	route_table_id VARCHAR NOT NULL,
	subnet_id VARCHAR,
	CONSTRAINT pk_route_table_associations PRIMARY KEY (association_id),
	CONSTRAINT fk_route_table_associations_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id),
	CONSTRAINT fk_route_table_associations_route_table_id FOREIGN KEY(route_table_id) REFERENCES route_tables (route_table_id),
	CONSTRAINT uq_route_table_associations_subnet_id UNIQUE (subnet_id),
	CONSTRAINT fk_route_table_associations_subnet_id FOREIGN KEY(subnet_id) REFERENCES subnets (subnet_id)
);
CREATE INDEX ix_route_table_associations_vpc_id ON route_table_associations (vpc_id);
CREATE INDEX ix_route_table_associations_route_table_id ON route_table_associations (route_table_id);
CREATE TABLE security_group_rules (
	rule_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	group_id VARCHAR NOT NULL,
	is_egress BOOLEAN NOT NULL,
	protocol VARCHAR NOT NULL,
	from_port INTEGER,
	to_port INTEGER,
	cidr_ipv4 VARCHAR,
	cidr_ipv6 VARCHAR,
	prefix_list_id VARCHAR,
	referenced_group_id VARCHAR,
	description VARCHAR,
	CONSTRAINT pk_security_group_rules PRIMARY KEY (rule_id),
	CONSTRAINT fk_security_group_rules_group_id FOREIGN KEY(group_id) REFERENCES security_groups (group_id),
	CONSTRAINT fk_security_group_rules_referenced_group_id FOREIGN KEY(referenced_group_id) REFERENCES security_groups (group_id)
);
CREATE INDEX ix_security_group_rules_group_id ON security_group_rules (group_id);
CREATE INDEX ix_security_group_rules_referenced_group_id ON security_group_rules (referenced_group_id);
CREATE INDEX ix_security_group_rules_account ON security_group_rules (account);
CREATE TABLE network_interfaces (
	interface_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	vpc_id VARCHAR NOT NULL,
	subnet_id VARCHAR NOT NULL,
	address VARCHAR NOT NULL,
	interface_type VARCHAR NOT NULL,
	vpc_endpoint_id VARCHAR,
	nat_gateway_id VARCHAR,
	mac VARCHAR NOT NULL,
	description VARCHAR NOT NULL,
	requester_id VARCHAR NOT NULL,
	requester_managed BOOLEAN NOT NULL,
	source_dest_check BOOLEAN NOT NULL,
	status VARCHAR NOT NULL,
	host VARCHAR,
	container_id VARCHAR,
	job_arn VARCHAR,
	attachment_id VARCHAR,
	attachment_status VARCHAR,
	instance_owner VARCHAR,
	delete_on_termination BOOLEAN NOT NULL,
	attached_at DATETIME,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_network_interfaces PRIMARY KEY (interface_id),
	CONSTRAINT uq_network_interfaces_vpc_id_address UNIQUE (vpc_id, address),
	CONSTRAINT fk_network_interfaces_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id),
	CONSTRAINT fk_network_interfaces_subnet_id FOREIGN KEY(subnet_id) REFERENCES subnets (subnet_id),
	CONSTRAINT fk_network_interfaces_vpc_endpoint_id FOREIGN KEY(vpc_endpoint_id) REFERENCES vpc_endpoints (vpc_endpoint_id),
	CONSTRAINT fk_network_interfaces_nat_gateway_id FOREIGN KEY(nat_gateway_id) REFERENCES nat_gateways (nat_gateway_id),
	CONSTRAINT uq_network_interfaces_mac UNIQUE (mac),
	CONSTRAINT uq_network_interfaces_attachment_id UNIQUE (attachment_id)
);
CREATE INDEX ix_network_interfaces_account ON network_interfaces (account);
CREATE INDEX ix_network_interfaces_nat_gateway_id ON network_interfaces (nat_gateway_id);
CREATE INDEX ix_network_interfaces_vpc_endpoint_id ON network_interfaces (vpc_endpoint_id);
CREATE INDEX ix_network_interfaces_subnet_id ON network_interfaces (subnet_id);
CREATE INDEX ix_network_interfaces_vpc_id ON network_interfaces (vpc_id);
CREATE TABLE address_rests (
	vpc_id VARCHAR NOT NULL,
	address VARCHAR NOT NULL,
	subnet_id VARCHAR NOT NULL,
	released_at DATETIME NOT NULL,
	CONSTRAINT pk_address_rests PRIMARY KEY (vpc_id, address),
	CONSTRAINT fk_address_rests_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id),
	CONSTRAINT fk_address_rests_subnet_id FOREIGN KEY(subnet_id) REFERENCES subnets (subnet_id)
);
CREATE INDEX ix_address_rests_subnet_id ON address_rests (subnet_id);
CREATE TABLE vpc_endpoint_groups (
	vpc_endpoint_id VARCHAR NOT NULL,
	group_id VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	CONSTRAINT pk_vpc_endpoint_groups PRIMARY KEY (vpc_endpoint_id, group_id),
	CONSTRAINT fk_vpc_endpoint_groups_vpc_endpoint_id FOREIGN KEY(vpc_endpoint_id) REFERENCES vpc_endpoints (vpc_endpoint_id),
	CONSTRAINT fk_vpc_endpoint_groups_group_id FOREIGN KEY(group_id) REFERENCES security_groups (group_id)
);
CREATE INDEX ix_vpc_endpoint_groups_group_id ON vpc_endpoint_groups (group_id);
CREATE TABLE s3_parts (
	upload_id VARCHAR(64) NOT NULL,
	part_number INTEGER NOT NULL,
	blob VARCHAR(32) NOT NULL,
	size INTEGER NOT NULL,
	etag VARCHAR(32) NOT NULL,
	last_modified DATETIME NOT NULL,
	checksum JSON,
	CONSTRAINT pk_s3_parts PRIMARY KEY (upload_id, part_number),
	CONSTRAINT fk_s3_parts_upload_id FOREIGN KEY(upload_id) REFERENCES s3_uploads (upload_id) ON DELETE CASCADE
);
CREATE TABLE log_events (
	event_id INTEGER NOT NULL,
	stream_id INTEGER NOT NULL,
	timestamp BIGINT NOT NULL,
	ingested_at BIGINT NOT NULL,
	message TEXT NOT NULL,
	CONSTRAINT pk_log_events PRIMARY KEY (event_id),
	CONSTRAINT fk_log_events_stream_id FOREIGN KEY(stream_id) REFERENCES log_streams (stream_id) ON DELETE CASCADE
);
CREATE INDEX ix_log_events_order ON log_events (stream_id, timestamp, event_id);
CREATE TABLE secondary_addresses (
	vpc_id VARCHAR NOT NULL,
	address VARCHAR NOT NULL,
	interface_id VARCHAR NOT NULL,
	subnet_id VARCHAR NOT NULL,
	CONSTRAINT pk_secondary_addresses PRIMARY KEY (vpc_id, address),
	CONSTRAINT fk_secondary_addresses_vpc_id FOREIGN KEY(vpc_id) REFERENCES vpcs (vpc_id),
	CONSTRAINT fk_secondary_addresses_interface_id FOREIGN KEY(interface_id) REFERENCES network_interfaces (interface_id),
	CONSTRAINT fk_secondary_addresses_subnet_id FOREIGN KEY(subnet_id) REFERENCES subnets (subnet_id)
);
CREATE INDEX ix_secondary_addresses_subnet_id ON secondary_addresses (subnet_id);
CREATE INDEX ix_secondary_addresses_interface_id ON secondary_addresses (interface_id);
CREATE TABLE elastic_addresses (
	allocation_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	public_ip VARCHAR NOT NULL,
	association_id VARCHAR,
	interface_id VARCHAR,
	private_address VARCHAR,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_elastic_addresses PRIMARY KEY (allocation_id),
	CONSTRAINT uq_elastic_addresses_public_ip UNIQUE (public_ip),
	CONSTRAINT uq_elastic_addresses_association_id UNIQUE (association_id),
	CONSTRAINT fk_elastic_addresses_interface_id FOREIGN KEY(interface_id) REFERENCES network_interfaces (interface_id)
);
CREATE INDEX ix_elastic_addresses_interface_id ON elastic_addresses (interface_id);
CREATE INDEX ix_elastic_addresses_account ON elastic_addresses (account);
CREATE TABLE network_interface_groups (
	interface_id VARCHAR NOT NULL,
	group_id VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	CONSTRAINT pk_network_interface_groups PRIMARY KEY (interface_id, group_id),
	CONSTRAINT fk_network_interface_groups_interface_id FOREIGN KEY(interface_id) REFERENCES network_interfaces (interface_id),
	CONSTRAINT fk_network_interface_groups_group_id FOREIGN KEY(group_id) REFERENCES security_groups (group_id)
);
CREATE INDEX ix_network_interface_groups_group_id ON network_interface_groups (group_id);
CREATE TABLE network_interface_permissions (
	permission_id VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	interface_id VARCHAR NOT NULL,
	aws_account_id VARCHAR NOT NULL,
	permission VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	CONSTRAINT pk_network_interface_permissions PRIMARY KEY (permission_id),
	CONSTRAINT fk_network_interface_permissions_interface_id FOREIGN KEY(interface_id) REFERENCES network_interfaces (interface_id)
);
CREATE INDEX ix_network_interface_permissions_account ON network_interface_permissions (account);
CREATE INDEX ix_network_interface_permissions_interface_id ON network_interface_permissions (interface_id);
