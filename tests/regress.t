#!/usr/bin/perl
#
# regress.t
#		Runs tests/regress/schedule with pg_regress against a cluster of its own, one TAP line a test.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use Boxoffice::PgRegress qw(run_schedule);

run_schedule('regress');
