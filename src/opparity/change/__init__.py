"""What a change does to each platform: two trees and their history to one report."""
