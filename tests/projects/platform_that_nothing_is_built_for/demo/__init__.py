from demo import views
