//! The only user of aws-sdk-s3: objects in S3 or in a folder
